"""Cuts SQL text into words, names, strings, numbers, parameters and signs, as the database itself would.

The judge trusts no other reading of the text: a string or comment that is cut differently from the database hides
columns. What this lexer does not know for sure is refused. Sources: the PostgreSQL manual, section 4.1 (with
``standard_conforming_strings = on``), and SQLite's ``tokenize.c``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from sa_privacy.errors import UnreadableStatement

__all__ = ["LIMIT", "Dialect", "Token", "cut", "fold", "unreadable"]

Dialect = Literal["sqlite", "postgresql"]

LIMIT: Final = 1_000_000
"""Characters of SQL text that are read; longer statements are refused."""

WAY_OUT: Final = 'write the statement with SQLAlchemy, or say what it touches: privacy.declare(sql="...", reads=[...])'


def unreadable(what: str, hint: str = WAY_OUT) -> UnreadableStatement:
    """The refusal of a statement whose footprint cannot be told; ``what`` names a construct, never a value."""
    return UnreadableStatement(f"{what}.", hint=f"{hint}.")


class Token(NamedTuple):
    """One piece of the text.

    :param kind: ``w`` word, ``q`` quoted name, ``s`` string, ``n`` number, ``p`` parameter, ``l`` list parameter
        (expanded by SQLAlchemy later), ``o`` sign or operator.
    :param text: a word as folded by the database, a name without quotes, a string's content, the sign itself.
    :param raw: for words, the lower-case spelling that keywords are compared with.
    :param bind: for parameters, the name or the position from 0.
    """

    kind: str
    text: str
    raw: str = ""
    bind: str | int = 0


_ASCII_LOWER: Final = {i: i + 32 for i in range(65, 91)}
_LETTER: Final = r"[A-Za-z_\x80-\U0010ffff]"
_WORD: Final = _LETTER + r"[A-Za-z0-9_$\x80-\U0010ffff]*"
_NUMBER: Final = r"0[xX][0-9A-Fa-f_]+|(?:\d[\d_]*(?:\.\d[\d_]*|\.(?!\.))?|\.\d+)(?:[eE][+-]?\d+)?"
_POSTCOMPILE: Final = r"__\[POSTCOMPILE_(?P<list>[^\s\]~]+)(?:~~.*?~~)?\]"
_HIDDEN: Final = re.compile(r"%(?:%|\([^()]*\)[sbt]|[sbt])")


def fold(name: str, dialect: Dialect, *, quoted: bool) -> str:
    """A name as the database compares it: ASCII letters in lower case, but quoted ones on PostgreSQL as they are."""
    if dialect == "sqlite" or not quoted:
        name = name.lower() if name.isascii() else name.translate(_ASCII_LOWER)
    if dialect == "postgresql" and len(name) > 15 and len(name.encode(errors="replace")) > 63:
        name = name.encode(errors="replace")[:63].decode(errors="ignore")
    return name


@lru_cache(maxsize=16)
def _master(dialect: Dialect, paramstyle: str) -> re.Pattern[str]:
    parts: list[str] = [r"(?P<post>" + _POSTCOMPILE + ")"]
    if dialect == "sqlite":
        parts += [
            r"(?P<space>[ \t\n\f\r]+|--[^\n]*|/\*(?s:.*?)(?:\*/|\Z))",
            r"(?P<string>(?:[xX])?'[^']*(?:''[^']*)*')",
            r'(?P<quoted>"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\])',
            r"(?P<param>\?\d*|[:@$](?P<name>" + _WORD.replace("[A-Za-z_", "[A-Za-z0-9_", 1) + r")(?!::|\())",
            r"(?P<number>" + _NUMBER + ")",
            r"(?P<word>" + _WORD + ")",
            r"(?P<sign>->>|->|\|\||==|<>|!=|<=|>=|<<|>>|[-+*/%&|~<>=()\[\],;.])",
        ]
        return re.compile("|".join(parts), re.ASCII)
    stop = r"--|/\*"
    styles = [r"\$(?P<dollar>\d+)"]
    if paramstyle in {"pyformat", "format"}:
        styles.append(r"%\((?P<name>[^()]+)\)[sbt]|%[sbt]")
        stop += r"|%\([^()]+\)[sbt]|%[sbt]"
    elif paramstyle == "named":
        styles.append(r"(?<!:):(?P<name>" + _WORD + ")")
    elif paramstyle == "numeric":
        styles.append(r"(?<!:):(?P<numeric>\d+)")
    elif paramstyle == "qmark":
        styles.append(r"\?")
        stop += r"|\?"
    parts += [
        r"(?P<space>[ \t\n\r\f\v]+|--[^\n\r]*)",
        r"(?P<block>/\*)",
        r"(?P<estring>[eE]'[^'\\]*(?:(?:\\(?s:.)|'')[^'\\]*)*')",
        r'(?P<uname>[uU]&")',
        r"(?P<string>(?:[bBxXnN]|[uU]&)?'[^']*(?:''[^']*)*')",
        r'(?P<quoted>"[^"]*(?:""[^"]*)*")',
        r"(?P<heredoc>\$(?P<tag>(?:" + _LETTER + r"[A-Za-z0-9_\x80-\U0010ffff]*)?)\$(?s:.*?)\$(?P=tag)\$)",
        r"(?P<cast>::)",
        r"(?P<param>" + "|".join(styles) + ")",
        r"(?P<number>" + _NUMBER + ")",
        r"(?P<word>" + _WORD + ")",
        r"(?P<sign>(?:(?!" + stop + r")[-+*/<>=~!@#%^&|`?])+|:=|[()\[\],;.:])",
    ]
    return re.compile("|".join(parts), re.ASCII)


def _block_end(sql: str, start: int) -> int:
    """Past a PostgreSQL comment, which nests."""
    depth, at = 1, start
    while depth:
        match = _BLOCK.search(sql, at)
        if match is None:
            raise unreadable("a comment of the statement does not end")
        depth += 1 if match.group() == "/*" else -1
        at = match.end()
    return at


_BLOCK: Final = re.compile(r"/\*|\*/")


def cut(sql: str, dialect: Dialect, paramstyle: str) -> list[Token]:
    """The tokens of a text, comments left out.

    :param paramstyle: as SQLAlchemy and PEP 249 name it, ``"numeric_dollar"`` too; ``"none"`` where nothing is a
        parameter (the definition of a view).
    :raises UnreadableStatement: for what the database may cut differently.
    """
    if len(sql) > LIMIT:
        raise unreadable(f"the statement is longer than {LIMIT:,} characters")
    if "\x00" in sql or "\ufeff" in sql:
        raise unreadable("the statement holds a character that databases read differently (NUL or byte order mark)")
    cutter = _Cutter(sql, dialect, paramstyle)
    while cutter.at < len(sql):
        cutter.next()
    return cutter.tokens


class _Cutter:
    """Cuts one text from left to right."""

    def __init__(self, sql: str, dialect: Dialect, paramstyle: str) -> None:
        self.sql, self.dialect = sql, dialect
        self.match = _master(dialect, paramstyle).match
        self.percent = paramstyle in {"pyformat", "format"} and dialect == "postgresql"
        self.tokens: list[Token] = []
        self.places = _Places()
        self.at = 0
        self.escaped = False  # the last token is a string with backslashes, which another line may continue

    def next(self) -> None:
        found = self.match(self.sql, self.at)
        if found is None or found.lastgroup is None:
            raise unreadable("the statement holds a character or an open quote that the library cannot read")
        kind, text, self.at = found.lastgroup, found.group(), found.end()
        if kind == "word":
            self.escaped = False
            self.tokens.append(Token("w", fold(text, self.dialect, quoted=False), text.lower()))
        elif kind in {"space", "block"}:
            self.gap(text, block=kind == "block")
        elif kind in {"string", "estring", "heredoc"}:
            self.string(kind, text)
        else:
            self.escaped = False
            self.other(kind, text, found)

    def gap(self, text: str, *, block: bool) -> None:
        stop = _block_end(self.sql, self.at) if block else self.at
        if self.percent:
            _no_parameter(text + self.sql[self.at : stop])
        self.at = stop

    def string(self, kind: str, text: str) -> None:
        self.quotes(text)
        follows = bool(self.tokens) and self.tokens[-1].kind == "s" and self.dialect == "postgresql"
        if follows and (self.escaped or kind != "string"):
            raise unreadable("a string constant with escapes is continued on another line")
        self.escaped = kind == "estring"
        if follows:
            self.tokens[-1] = Token("s", self.tokens[-1].text + _content(text))
        else:
            self.tokens.append(Token("s", _content(text)))

    def quotes(self, text: str) -> None:
        if "[POSTCOMPILE_" in text:
            raise unreadable("a parameter stands inside quotes")
        if self.percent:
            _no_parameter(text)

    def other(self, kind: str, text: str, found: re.Match[str]) -> None:
        if kind == "sign":
            self.tokens.extend(Token("o", sign) for sign in _signs(text, self.percent, self.dialect))
        elif kind == "quoted":
            self.quotes(text)
            self.tokens.append(_quoted(text, self.dialect, self.percent))
        elif kind == "number":
            self.tokens.append(Token("n", text if text.isdigit() else "1.0"))
        elif kind == "cast":
            self.tokens.append(Token("o", "::"))
        elif kind == "post":
            self.tokens.append(Token("l", "", bind=found.group("list")))
            self.places.next()
        elif kind == "param":
            self.tokens.append(Token("p", "", bind=_bind(found.groupdict(), text, self.places, self.dialect)))
        else:
            raise unreadable("Unicode-escaped names (U&) are not read")


def _no_parameter(text: str) -> None:
    # A client-side driver would put a value between the quotes, and the value could end them.
    if "%" in text and any(m.group() != "%%" for m in _HIDDEN.finditer(text)):
        raise unreadable("a parameter stands inside quotes or a comment", hint="write a plain % as %%")


def _signs(text: str, percent: bool, dialect: Dialect) -> tuple[str, ...]:
    if dialect == "sqlite" or len(text) == 1:
        return (text,)
    if percent:
        text = text.replace("%%", "%")
    tail: list[str] = []
    while len(text) > 1 and text[-1] in "+-" and not set(text) & set("~!@#%^&|`?"):
        tail.insert(0, text[-1])
        text = text[:-1]
    return (text, *tail)


def _quoted(text: str, dialect: Dialect, percent: bool) -> Token:
    close = text[-1]
    name = text[1:-1] if close == "]" else text[1:-1].replace(close * 2, close)
    if percent:
        name = name.replace("%%", "%")
    if not name:
        raise unreadable("the statement holds an empty name")
    return Token("q", fold(name, dialect, quoted=True))


def _content(text: str) -> str:
    if text[0] == "$":
        tag = text.index("$", 1) + 1
        return text[tag:-tag]
    return text[text.index("'") + 1 : -1].replace("''", "'")


class _Places:
    """Numbers parameters as the databases do: a plain ``?`` comes after the highest number so far."""

    def __init__(self) -> None:
        self.top = 0
        self.names: set[str] = set()

    def next(self) -> int:
        self.top += 1
        return self.top - 1

    def number(self, number: int) -> int:
        self.top = max(self.top, number)
        return number - 1

    def name(self, name: str) -> str:
        if name not in self.names:
            self.names.add(name)
            self.top += 1
        return name


def _bind(groups: dict[str, str | None], text: str, places: _Places, dialect: Dialect) -> str | int:
    numbered = text[1:] if dialect == "sqlite" and text[0] == "?" else ""
    number = groups.get("dollar") or groups.get("numeric") or numbered
    if number:
        return places.number(int(number))
    name = groups.get("name")
    return places.name(name) if name else places.next()
