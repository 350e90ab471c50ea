"""Texts, names and numbers that programs stumble over."""

from random import Random

TEXTS = (
    *(
        "",
        " ",
        "\t",
        "\r",
        "\x0b",
        "\u2028",
        "\ufeff",
        "\u200b",
        "\u202eevil\u202c",
        "\u0301",
        "\U0001f621",
        "분노",
        "ﬀ",
    ),
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "](javascript:alert(1))",
        "|",
        "`",
        "{{7*7}}",
        "${HOME}",
    ),
    *(
        "=1+1",
        "=cmd|'/c calc'!A1",
        "+1",
        "-1",
        "@SUM(1)",
        "%s%s%n",
        "$(touch canary)",
        "`touch canary`",
        "; touch canary",
    ),
    *(
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "\x07",
        "\x08" * 9,
        "\x7f",
        "\x85",
        "\x9b31m",
        "None",
        "nan",
        "NA",
        "null",
    ),
    *(
        "true",
        "no",
        "0",
        "-0",
        "1e999",
        "0x10",
        "１",
        "1_000",
        "''",
        '"',
        '""',
        "\\",
        "\\N",
        "../..",
        "CON",
        "%00",
        "a" * 70_000,
    ),
)
NUMBERS = (
    *("0", "-1", "1", "1e308", "-1e308", "1e-320", "1e999", "nan", "inf", "-inf", "0x10", "１", "1_0", "1,5", "1;2"),
    *(
        "9" * 400,
        "9" * 5_000,
        "-" + "9" * 30,
        "2147483648",
        "4294967296",
        "18446744073709551616",
        "0.1.2",
        "--1",
        "+-1",
    ),
    *("true", "1e", "e1", ".", "1/2", "٣", "½", "Ⅷ", " 1 ", "1\u00a0000", "True", "None", "[1]", "{}"),
)
PATHS = (
    *(
        "../precious/diary.txt",
        "../../../../../../etc/passwd",
        "/etc/passwd",
        "/etc/shadow",
        "/dev/zero",
        "/dev/random",
    ),
    *("/dev/full", "/dev/tty", "/dev/stdin", "/dev/fd/0", "/proc/self/mem", "/proc/self/environ", "/proc/self/maps"),
    *("/proc/kmsg", "/proc/kcore", "/proc/self/fd", "/proc/self/pagemap", "/sys/kernel/notes", "/", ".", "..", "", " "),
    *("~", "~root", "~nobody/a.wav", "~no-such-user", "a" * 300, "a/" * 3_000, "\\\\server\\share\\a.wav", "C:\\a.wav"),
    *(
        "fifo",
        "socket",
        "loop",
        "link-to-precious",
        "link-to-folder",
        "empty.wav",
        "folder.wav",
        "con",
        "nul.wav",
        "-",
        "--",
    ),
    *(
        "ok.wav/..",
        "ok.wav/",
        "./ok.wav",
        "%2e%2e/ok.wav",
        "ok.wav\n",
        "ok.wav\t",
        "\u202eok.wav",
        "ok.wav?x#y",
        "\ud800.wav",
    ),
)
ENDING_PATHS = tuple(path for path in PATHS if path not in {"fifo", "/proc/kmsg"})
"""For commands to which the user names the file: whoever names a pipe waits for its writer."""
ADDRESSES = (
    *("file:///etc/passwd", "file:///dev/zero", "file://../precious/diary.txt", "file://host/a", "FILE:///dev/zero"),
    *(
        "reference://x",
        "zip://a.wav::http://127.0.0.1:9/a.zip",
        "simplecache::file:///etc/passwd",
        "memory://a",
        "data:,x",
    ),
    *(
        "data:audio/wav;base64,UklGRg==",
        "jupyter://127.0.0.1:9/a",
        "git://x:y@z",
        "github://a:b@c/d",
        "ssh://127.0.0.1:9/a",
    ),
    *(
        "sftp://127.0.0.1:9/a",
        "smb://127.0.0.1:9/a",
        "ftp://127.0.0.1:9/a",
        "hdfs://127.0.0.1:9/a",
        "webhdfs://127.0.0.1:9/a",
    ),
    *("tar://a::/dev/zero", "libarchive://a", "blockcache::http://127.0.0.1:9/a", "filecache::/dev/zero", "cached::x"),
    *("dir::/etc", "generic://x", "local:///dev/zero", "root://x", "dask://x", "dbfs://x", "oci://x", "lakefs://x"),
    *(
        "s3://bucket/a",
        "gs://bucket/a",
        "az://c/a",
        "abfs://c/a",
        "hf://datasets/a/b/c",
        "hf://",
        "http://",
        "https://",
    ),
    *(
        "http://[::1",
        "http://127.0.0.1:99999/a",
        "http://127.0.0.1:9/a",
        "http://user:pass@127.0.0.1:9/a",
        "http://\u0000/",
    ),
    *(
        "HTTP://127.0.0.1:9/",
        "http:///a",
        "javascript:alert(1)",
        "gopher://127.0.0.1:9/",
        "x" * 9_000 + "://a",
        "a+b://c",
    ),
)


def mutated(content: bytes, random: Random, changes: int | None = None) -> bytes:
    """Change, insert, delete, repeat or cut some bytes."""
    content_ = bytearray(content)
    for _ in range(changes or random.choice((1, 2, 5, 20, 100))):
        at, length = random.randrange(len(content_) + 1), random.choice((1, 2, 4, 8, 64))
        match random.randrange(6):
            case 0:
                content_[at : at + length] = random.randbytes(length)
            case 1:
                content_[at:at] = random.randbytes(length)
            case 2:
                del content_[at : at + length]
            case 3:
                content_[at:at] = content_[at : at + length] * random.choice((2, 50))
            case 4:
                content_[at : at + length] = random.choice((b"\0", b"\xff", b"\x7f")) * length
            case _:
                if content_:
                    content_[at % len(content_)] ^= 1 << random.randrange(8)
    return bytes(content_[: random.randrange(len(content_) + 1)]) if random.random() < 0.1 else bytes(content_)
