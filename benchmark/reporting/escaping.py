r"""Strings from repositories, corpora and file names, made harmless for the place where they will stand.

Names, labels and messages from outside are data. A label may be `<script>`, a file name may begin with `=`, an error
message may hold the escape sequences that clear a terminal. What is stored keeps them as they are (JSON can); whatever
people look at goes through one of the functions here.
"""

import re
import unicodedata

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # operating-system commands: titles, links
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # strings to the device
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # the two-character ones
)
# Persian, Hindi and their neighbours are not spelt right without joiners; elsewhere they only hide differences.
_MEANT_JOINER = re.compile("(?<=[\u0600-\u0dff])[\u200c\u200d](?=[\u0600-\u0dff])")
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WORD = r"[^\W_]"
_MARKDOWN = re.compile(
    r"[\\`*\[\]|~$]"
    rf"|(?<!{_WORD})(?<!_)_+|_+(?!{_WORD})(?!_)"  # between letters an underscore is one
    r"|&(?=#?\w+;)|[<>]"
)
# What would begin a heading, a list, a rule or an underline if a line began with it.
_BLOCK_START = re.compile(r"^(?:(#|[-+=](?=[-+=\s]|$))|(\d{1,9})([.)])(?=\s|$))")
# Of Windows, of a `file:` address, of everything else; what begins within a word or after `~` or `.` is relative.
_FOLDERS = re.compile(
    r"(?:\b[A-Za-z]:\\+|\bfile:/{2,3}(?=\w)|(?<![\w.~/<])(?<!&lt;)/(?![/\s]))(?:(?<=\\)(?:[^\s\\]+\\+)*|(?:[^\s/]+/)+)"
)
_FORMULA_STARTS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
# `"` is a command of some languages' babel; `[` and `*` at the beginning of a row would belong to the `\\` before it.
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "{}$%&#_"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\textasciigrave{}"}
    | {"<": "$<$", ">": "$>$", "|": "$|$", "−": "$-$", '"': "''"}
    | {character: f"{{{character}}}" for character in "[]*"}
)
_NOT_PLAIN = re.compile(r"[^\n -~]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def plain_text(text: str) -> str:
    r"""Reduce a text from outside to what can be seen of it, on one line.

    Escape sequences, control characters, characters that change the direction of writing and those that cannot be
    seen are removed; line ends, tabs and runs of spaces become one space. What is left is safe for a terminal, a log
    and a table, and has no markup of its own taken away: `[red]` stays and is rich's to escape.

    Examples:
        >>> plain_text("\x1b[31mhappy\x1b[0m\r\n\u202eyrgna\u202c zero\u200bwidth")
        'happy yrgna zerowidth'
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = []
    without_sequences = _ESCAPE_SEQUENCE.sub("", text)
    joiners = {match.start() for match in _MEANT_JOINER.finditer(without_sequences)}
    for position, character in enumerate(without_sequences):
        if character.isspace():
            visible.append(" ")
        elif position in joiners or _is_visible(character):
            visible.append(character)
    return " ".join("".join(visible).split())


def markdown_text(text: str) -> str:
    r"""Escape a text from outside so that every Markdown renderer shows it as it is, also in the cell of a table.

    Only what would mean something is escaped, because the source is read as well: `Speech_Emotion` stays as it is.

    Examples:
        >>> print(markdown_text("a|b <script> [x](javascript:y) snake_case _it_"))
        a\|b &lt;script&gt; \[x\](javascript:y) snake_case \_it\_
    """
    escaped = _MARKDOWN.sub(_escape_match, plain_text(text))
    return _BLOCK_START.sub(lambda match: rf"{match[2] or ''}\{match[1] or match[3]}", escaped)


def csv_text(text: str) -> str:
    r"""Make a text from outside safe for the cell of a table that somebody may open in a spreadsheet.

    A cell that begins with `=`, `+`, `-`, `@` or the like would run as a formula; it gets an apostrophe before it, as
    OWASP advises. Quoting is the CSV writer's business.

    Examples:
        >>> csv_text("=HYPERLINK(1)"), csv_text("-9"), csv_text("angry")
        ("'=HYPERLINK(1)", "'-9", 'angry')
    """
    cleaned = plain_text(text)
    is_formula = text[:1] in _FORMULA_STARTS or cleaned[:1] in _FORMULA_STARTS
    return f"'{cleaned}" if cleaned and is_formula else cleaned


def without_folders(text: str) -> str:
    r"""Replace the folders of absolute paths by an ellipsis: they name the user, and mean nothing elsewhere.

    Examples:
        >>> without_folders("There is no folder /home/ann/models/gone, see https://host/a/b and c/d")
        'There is no folder …/gone, see https://host/a/b and c/d'
        >>> without_folders(r"folder:/home/ann/calls C:\Users\ann\x.wav file:///home/ann/y.wav")
        'folder:…/calls …/x.wav …/y.wav'
    """
    return _FOLDERS.sub("…/", text)


def latex_text(text: str) -> str:
    r"""Escape a text from outside for LaTeX with UTF-8, also for the cell of a table; letters of all scripts stay.

    Examples:
        >>> print(latex_text(r"a_b & 50% [x] \input{y} Ärger--"))
        a\_b \& 50\% {[}x{]} \textbackslash{}input\{y\} Ärger-{}-
    """
    return re.sub("-(?=-)", "-{}", plain_text(text).translate(_LATEX))


def json_text(document: str) -> str:
    r"""Replace what cannot be seen in a JSON document by its `\u…` escapes; the document means the same.

    Examples:
        >>> json_text('["a\u202eb"]')
        '["a\\u202eb"]'
    """
    return _NOT_PLAIN.sub(lambda match: match[0] if _is_visible(match[0]) else _utf16_escape(match[0]), document)


def _is_visible(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    return character not in _INVISIBLE_LETTERS and unicodedata.category(character) not in _INVISIBLE_CATEGORIES


def _escape_match(match: re.Match[str]) -> str:
    matched = match[0]
    return _ENTITIES.get(matched) or "".join(f"\\{character}" for character in matched)


def _utf16_escape(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[start : start + 2].hex()}" for start in range(0, len(units), 2))
