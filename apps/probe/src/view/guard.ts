import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/**
 * Refuse requests that name another host: a page elsewhere may have its own name resolve to 127.0.0.1
 * and would then read this server as if it were its own.
 */
export function onlyHost(hosts: () => readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host');
    if (host === undefined || !hosts().includes(host)) return context.text('This server answers to 127.0.0.1 only.\n', 403);
    if (!['GET', 'HEAD'].includes(context.req.method)) return context.text('Only GET.\n', 405);
    return next();
  };
}

/** The page gets everything from this server, and no other page may embed or read it. */
export const headers: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'blob:', 'data:'],
    connectSrc: ["'self'"],
    workerSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  crossOriginResourcePolicy: 'same-origin',
  strictTransportSecurity: false,
});
