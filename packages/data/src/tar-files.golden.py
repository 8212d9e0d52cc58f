"""Tar files of Python's tarfile in every format, with the places and contents of their members.

python3 packages/data/src/tar-files.golden.py > packages/data/src/tar-files.golden.json
"""
import base64, hashlib, io, json, tarfile, zlib

long_name = "/".join(["a folder with a long name"] * 8) + "/picture ö.jpg"
names = ["0001.jpg", "0001.cls", "deep/" * 30 + "b.png", "empty.txt", long_name]
formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}

golden = {}
for key, format in formats.items():
    file = io.BytesIO()
    options = {"pax_headers": {"comment": "of all files"}} if key == "pax" else {}
    with tarfile.open(fileobj=file, mode="w", format=format, encoding="utf-8", **options) as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for i, name in enumerate(names):
            if key == "ustar" and name == long_name:
                continue  # more than the format holds
            content = b"" if name == "empty.txt" else name.encode() * (100 * i + 1)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if key == "pax":
                info.pax_headers = {"mtime": "1.25"}
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.jpg")
        link.type = tarfile.SYMTYPE
        link.linkname = "0001.jpg"
        tar.addfile(link)
    data = file.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [
            {
                "name": member.name,
                "offset": member.offset_data,
                "length": member.size,
                "sha256": hashlib.sha256(data[member.offset_data : member.offset_data + member.size]).hexdigest(),
            }
            for member in tar
            if member.isfile()
        ]
    golden[key] = {"zlib": base64.b64encode(zlib.compress(data, 9)).decode(), "members": members}
print(json.dumps(golden, ensure_ascii=False))
