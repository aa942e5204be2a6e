"""The dialects in which models write tool calls, and what is meant by each.

A thought is never called. Words are a call only where they stand between tags, in a fence, or
alone on their lines; what was meant as a call and cannot be read is told, with the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from videoseal.models.reading.json_text import CUT, after_thoughts, json_at, read_value
from videoseal.models.reading.wire import bare_name

__all__ = ["Meant", "meant_calls"]

_MOST: Final = 32
"""Calls of one reply that are read."""
_TRIES: Final = 200
"""Places of one reply that may turn out to hold no call."""
_NAME_KEYS: Final = (
    "name",
    "toolname",
    "functionname",
    "tool",
    "function",
    "action",
    "recipientname",
)
_ARGUMENT_KEYS: Final = ("arguments", "parameters", "args", "params", "input", "actioninput",
                         "toolinput", "toolargs", "kwargs", "parameter")  # fmt: skip
_BESIDE: Final = frozenset({"id", "type", "index", "callid", "toolcallid", "thought", "reasoning"})
_ANSWERS: Final = ("answer", "finalanswer", "choice")
"""A planner that answers beside its call is told that nobody reads it."""
_WRAPPINGS: Final = ("toolcalls", "toolcall", "functioncall", "functioncalls", "calls", "tooluses")

_CONTROL: Final = re.compile(r"<[|｜][^<>]{1,60}?[|｜]>")
_ASCII: Final = str.maketrans("｜▁", "|_")
_SPACES: Final = re.compile(
    r"<(/?)(?:\w+:|[|｜]DSML[|｜])(?=(?:tool_call|function_call|function|invoke|parameter|param)s?\b)"
)
"""Names of vendors before those of tags."""
_QUOTE: Final = re.compile(r'<escape>|<\|"\|>')
_WORDS: Final = r"(?:tool_calls?|toolcalls?|function_calls?|functioncalls?|tools?|tool_use)"
_TAG: Final = (
    rf"<{_WORDS}>|\[TOOL_CALLS?\]|<start_function_call>|functools(?=\[)|\bto=(?=functions\.\w)"
    r"|<\|(?:tool_calls?(?:_section)?(?:_begin)?|python_tag|action_start|START_ACTION)\|?>"
)
_TAG_END: Final = re.compile(
    rf"</{_WORDS}>|<(?:/\|?|\|/)tool_calls?\|>|<tool_call\|>|<end_function_call>"
    r"|<\|(?:tool_calls?(?:_section)?_end|action_end|END_ACTION|eom_id|eot_id|im_end|call)\|>",
    re.IGNORECASE,
)
_FUNCTION: Final = (
    r"<(?:function|invoke|tool)\s*(?:=|\s+name\s*=)\s*[\"']?(?P<name>[\w.-]+)[\"']?\s*>"
)
_ANY_TAG: Final = re.compile(rf"{_TAG}|{_FUNCTION}", re.IGNORECASE)
_GLUE: Final = re.compile(r"(?:\s|<\|[^|<>]{1,60}\|?>|```\w*|[,;]|\[/?[A-Z_]+\]|//[^\n]*)*")
_LANGUAGE: Final = re.compile(r"[A-Za-z_+-]*[ \t]*")
_PARAMETER: Final = re.compile(
    r"<(?:parameter|param)\s*(?:=|\s+name\s*=)\s*[\"']?(?P<name>[\w.-]+)[\"']?[^>]*>"
    r"(?P<value>.*?)(?:</(?:parameter|param)>|(?=<(?:parameter|param)\b))",
    re.IGNORECASE | re.DOTALL,
)
_OPEN_PARAMETER: Final = re.compile(r"<(?:parameter|param)\b", re.IGNORECASE)
_PAIR: Final = re.compile(
    r"<arg_key>\s*(?P<name>.{0,99}?)\s*</arg_key>\s*<arg_value>(?P<value>.{0,9999}?)</arg_value>",
    re.DOTALL,
)
_CHILD: Final = re.compile(r"<(?P<name>\w+)>(?P<value>.*?)</(?P=name)>", re.DOTALL)
_NAMED: Final = re.compile(
    r"(?:function\s*<\|[^|<>]{1,60}\|>\s*|call:)?(?:[\w-]+\.)*(?P<name>[A-Za-z_][\w-]*)(?::\d+)?"
    r"(?:\s|<\|[^|<>]{1,60}\|>|\[CALL_ID\]\w+|\[[A-Z_]+\]|```\w*|\b(?:json|commentary|code)\b)*"
)
_PYTHON: Final = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?P<open>[(\[{])|(?P<close>[)\]}])"
)
_REACT: Final = re.compile(
    r"(?P<name>[\w.-]+)\W*\n\W*Action[ _]?Input\W*?:[*_ \t]*(?P<raw>.*?)"
    r"(?=\n\W*(?:Observation|Thought|Action)\b|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ROW: Final = (
    r"(?m:^[ \t]*(?:(?:[-*>]|\d+[.)])[ \t]+)?)(?:\W{0,2}Action\W{1,4}|Tool(?:[ _]call)?:[ \t]*)?"
)


class Meant(NamedTuple):
    """Something that was meant as a call."""

    name: object
    arguments: object
    error: str = ""


def meant_calls(
    text: str, tools: Sequence[Mapping[str, Any]], *, finished: bool
) -> Iterator[Meant]:
    """All that a reply means as calls of these tools, in order, and what it fails to."""
    return islice(_Reader(text, tools, finished=finished).calls(), _MOST)


class _Reader:
    """One reply of a planner that was told of some tools."""

    def __init__(self, text: str, tools: Sequence[Mapping[str, Any]], *, finished: bool) -> None:
        said = _CONTROL.sub(lambda found: found[0].translate(_ASCII), after_thoughts(text))
        self.said = _QUOTE.sub('"', _SPACES.sub(r"<\1", said))
        self.finished = finished
        functions = [tool["function"] for tool in tools]
        self.names = {bare_name(function["name"]): function["name"] for function in functions}
        self.forms = {function["name"]: function.get("parameters", {}) for function in functions}
        known = "|".join(map(re.escape, sorted(self.forms, key=len, reverse=True))) or "(?!)"
        self._script = re.compile(rf"\[?\s*(?:\w+\.)*(?:{known})\s*\(", re.IGNORECASE)
        self._own = re.compile(rf"<(?P<name>{known})>", re.IGNORECASE)
        self._start = re.compile(
            rf"(?P<tag>{_TAG})|(?P<function>{_FUNCTION}|<(?:{known})>)|(?P<fence>```)"
            rf"|{_ROW}(?:(?P<react>(?=[\w.-]+\W*\n\W*Action))"
            rf"|(?P<bare>(?=[\[{{]|\[?\s*(?:\w+\.)*(?:{known})\s*(?:[({{]|\n\s*\{{))))",
            re.IGNORECASE,
        )

    def calls(self) -> Iterator[Meant]:
        """All that was meant as a call, in order."""
        position, tries = 0, _TRIES
        while (tries := tries - 1) and (start := self._start.search(self.said, position)):
            found, end = getattr(self, f"_in_{start.lastgroup}")(start)
            yield from found
            position = max(end, start.end(), start.start() + 1)

    def _in_tag(self, start: re.Match[str]) -> tuple[list[Meant], int]:
        found, end = self._run(start.end(), sure=True)
        close = _TAG_END.search(self.said, end)
        rest = self.said[_glued(self.said, end) : close.start()] if close else ""
        if found and not (rest.strip() and _ANY_TAG.search(rest) is None):
            return found, end
        end = close.end() if close else len(self.said)
        body = self.said[start.end() : end].strip()
        error = "between the tags stands no call, or not a call alone" if close else CUT
        return [Meant(None, body, error)], end

    def _in_function(self, start: re.Match[str]) -> tuple[list[Meant], int]:
        return self._run(start.start(), sure=True)

    def _in_fence(self, start: re.Match[str]) -> tuple[list[Meant], int]:
        said = self.said
        body = _LANGUAGE.match(said, start.end()).end()  # type: ignore[union-attr]
        close = said.find("```", body)
        close = len(said) if close < 0 else close
        if _ANY_TAG.search(said, body, close):
            return [], body
        found, end = self._run(body, sure=False)
        if found and (_glued(said, end) >= close or found[-1].error):
            return found, max(close + 3, end)
        return self._statements(said[body:close]), close + 3

    def _in_bare(self, start: re.Match[str]) -> tuple[list[Meant], int]:
        found, end = self._one(start.end(), sure=False) or ([], start.end())
        rest = _TAG_END.sub("", self.said[end:].partition("\n")[0])
        return ([] if rest.strip(" 	;,`]") else found), end

    def _in_react(self, start: re.Match[str]) -> tuple[list[Meant], int]:
        match = _REACT.match(self.said, start.end())
        if match is None:
            return [], start.end()
        name, raw = self._known(match["name"]), match["raw"].strip().strip("`").strip()
        if raw.startswith("{"):
            part = json_at(raw, 0, finished=self.finished)
            return [
                Meant(name, part.value if part.value is not None else raw, part.error)
            ], match.end()
        needed = self.forms.get(name, {}).get("required", [])
        arguments = {needed[0]: raw.strip("\"'")} if raw and len(needed) == 1 else raw or {}
        return [Meant(name, arguments)], match.end()

    def _run(self, position: int, *, sure: bool) -> tuple[list[Meant], int]:
        """Calls one after the other, with nothing between them that is a word."""
        found: list[Meant] = []
        while len(found) < _MOST and (one := self._one(_glued(self.said, position), sure=sure)):
            found += one[0]
            position = one[1]
        return found, position

    def _one(self, at: int, *, sure: bool) -> tuple[list[Meant], int] | None:
        """The call or the list of calls that begins there; `sure` between tags made for one."""
        said = self.said
        if match := re.compile(_FUNCTION, re.IGNORECASE).match(said, at) or self._own.match(
            said, at
        ):
            return self._elements(match)
        if self._script.match(said, at):
            return self._script_call(at)
        if said[at : at + 1] in ("{", "["):
            part = json_at(said, at, finished=False)
            raw = said[at : part.end]
            if part.value is None:
                meant = sure or any(f'"{name}"' in raw for name in self.forms)
                return ([Meant(None, raw, part.error)] if meant else []), part.end
            return self._from_value(part.value, sure=sure), part.end
        return self._named(at, sure=sure)

    def _named(self, at: int, *, sure: bool) -> tuple[list[Meant], int] | None:
        """A name and then its arguments, as JSON, as pairs of tags, or none."""
        said, match = self.said, _NAMED.match(self.said, at)
        known = match and bare_name(match["name"]) in self.names
        if match is None or not (known or sure):
            return None
        name, end = self._known(match["name"]), match.end()
        if said[end : end + 1] == "{":
            part = json_at(said, end, finished=False)
            raw = said[end : part.end]
            return [Meant(name, raw if part.value is None else part.value, part.error)], part.end
        pairs = []
        while pair := _PAIR.match(said, end):
            pairs.append((pair["name"], self._typed(name, pair["name"], pair["value"])))
            end = _glued(said, pair.end())
        if pairs:
            return [Meant(name, dict(pairs))], end
        alone = sure and known and (end == len(said) or _TAG_END.match(said, _glued(said, end)))
        return ([Meant(name, {})], end) if alone else None

    def _elements(self, start: re.Match[str]) -> tuple[list[Meant], int]:
        """`<function=name>` with an element for each argument, or with JSON."""
        said, name = self.said, self._known(start["name"])
        stop = re.compile(rf"</(?:function|invoke|tool|{re.escape(start['name'])})>", re.I)
        close = stop.search(said, start.end())
        body = said[start.end() : close.start() if close else len(said)]
        end = close.end() if close else len(said)
        found = list(_PARAMETER.finditer(body)) or list(_CHILD.finditer(body))
        rest = body[found[-1].end() if found else 0 :].strip()
        if found and not _OPEN_PARAMETER.search(rest):
            arguments = {f["name"]: self._typed(name, f["name"], f["value"]) for f in found}
            return [Meant(name, arguments)], end
        if rest and not close:
            part = json_at(rest, 0, finished=False) if rest[0] == "{" else None
            done = part is not None and part.value is not None
            return [Meant(name, rest, "" if done else CUT)], end
        return [Meant(name, rest or {})], end

    def _script_call(self, at: int) -> tuple[list[Meant], int]:
        """Calls as Python writes them, alone or in a list."""
        depth = 0
        for token in _PYTHON.finditer(self.said, at):
            depth += (token["open"] is not None) - (token["close"] is not None)
            if token["close"] and depth <= 0:
                return self._statements(self.said[at : token.end()], told=True), token.end()
        return [Meant(None, self.said[at:], CUT)], len(self.said)

    def _statements(self, script: str, *, told: bool = False) -> list[Meant]:
        """The calls of known tools that lines of Python make."""
        try:
            body = ast.parse(script.strip()).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return [Meant(None, script, "it is not one call with named values")] if told else []
        values = [line.value for line in body if isinstance(line, ast.Expr | ast.Assign)]
        called = [found for value in values for found in self._from_python(value)]
        return [found for found in called if told or found.name in self.forms]

    def _from_python(self, node: ast.expr) -> list[Meant]:
        if isinstance(node, ast.List | ast.Tuple):
            return [found for inner in node.elts for found in self._from_python(inner)]
        if not isinstance(node, ast.Call):
            return []
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        if name == "print":
            return [found for inner in node.args for found in self._from_python(inner)]
        name = self._known(name)
        try:
            values = {word.arg or "": _literal(word.value) for word in node.keywords}
            places = list(self.forms.get(name, {}).get("properties", {}))
            values |= dict(zip(places, map(_literal, node.args), strict=False))
        except (ValueError, TypeError, RecursionError):
            return [Meant(name, ast.unparse(node), "its values are not written out")]
        spread = values.pop("", {})
        return [Meant(name, {**spread, **values} if isinstance(spread, dict) else values)]

    def _from_value(self, value: object, *, sure: bool) -> list[Meant]:
        """The calls that a JSON value is, whatever it calls their parts."""
        if isinstance(value, list):
            return [found for inner in value for found in self._from_value(inner, sure=sure)]
        if not isinstance(value, dict):
            return []
        named = {bare_name(str(key)): inner for key, inner in value.items()}
        for key in (*_WRAPPINGS, "function"):
            if isinstance(named.get(key), dict | list):
                return self._from_value(named[key], sure=sure)
        name = next((n for k in _NAME_KEYS if isinstance(n := named.get(k), str) and n), "")
        if not name and len(value) == 1 and bare_name(only := str(next(iter(value)))) in self.names:
            return [Meant(self._known(only), value[only])]
        known = self._known(name) in self.forms
        given = next((k for k in _ARGUMENT_KEYS if k in named), None)
        if given and (answer := next((k for k in _ANSWERS if k in named), "")):
            return [Meant(name, str(value), f'a call has no field "{answer}"')]
        if not (sure or known or (given and re.fullmatch(r"[\w.-]+", name))):
            return []
        beside = {k: v for k, v in value.items()
                  if bare_name(k) not in {*_BESIDE, *_NAME_KEYS}}  # fmt: skip
        return [Meant(self._known(name), named[given] if given else beside)]

    def _known(self, name: str) -> str:
        """The tool that a name means, without the space before it and the number behind it."""
        bare = re.sub(r"^.*[./]|:\d+$", "", name.strip())
        return str(self.names.get(bare_name(bare), bare))

    def _typed(self, tool: str, field: str, text: str) -> object:
        """A value that was written without quotes, as the tool's schema wants it."""
        said = text.strip()
        form = self.forms.get(tool, {}).get("properties", {}).get(field, {})
        if form.get("type") == "string" or (not form and said[:1] not in ("[", "{")):
            return said
        try:
            return read_value(said)
        except ValueError:
            return said


def _glued(said: str, position: int) -> int:
    """Where the next word begins, past white space, fences and control tokens."""
    found = _GLUE.match(said, position)
    return found.end() if found else position


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.Name) and node.id in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[node.id]
    return ast.literal_eval(node)
