/** Text with a question mark for every control character but line ends: names in files may hold what a terminal obeys. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '?');
}
