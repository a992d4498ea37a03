#!/usr/bin/env python3
"""Prints a public header as doxygen understands it: what the tree's comments mean by their place is
said in doxygen's own words. Lines stay where they are.

- The comment at the top is that of the file.
- Text between backticks is code, whatever stands in it; `@` and `#` begin no command.
- An indented line of a comment is an example.
- A declaration right below one of the same name is an overload of it and shares its comment.
- `///<` behind an opening bracket belongs to what begins there.
- What is defaulted, moves, or takes the library's own types needs no words, nor does a member or
  an accessor whose name says all: those are shown without a description. Everything else without
  words is an error (WARN_AS_ERROR).
"""
import html
import re
import sys

COMMENT = re.compile(r"^(\s*)///(?!<)(.*)$")
TRAILING = re.compile(r"^(?P<indent>\s*)(?P<code>\S.*?)\s*///< (?P<said>.*)$")
# A lambda that is never called, to choose a type, is more than doxygen can read.
TYPE_BY_LAMBDA = re.compile(r"(using \w+ = )typename decltype\(\[\] \{.*?\}\(\)\)::type", re.DOTALL)
NOTHING = "&zwj;"  # A description that shows nothing.
NAMED = re.compile(r"(?:^|[\s*&])(operator\W+|~?\w+)\(")
NO_NAME = re.compile(r"(?:requires|noexcept|decltype|sizeof\.*|void|explicit)$")
ENUM = re.compile(r"^(enum class \w+ \{)(.+)(\};)$")
MEMBER = re.compile(r"^(?!using|friend|static_assert|class|struct|enum|return|namespace|#|//)"
                    r"[\w:<>,*&()\s\[\].]+?\s[*&]?\w+(?:\{.*\}| = [^=].*)?;")
ACCESSOR = re.compile(r"\b\w+\(\) const&? noexcept \{ return [\w.>():-]+; \}$")
MOVES = re.compile(r"^(?:(\w+)\(\1&&|(\w+)& operator=\(\2&&)")


def escape(text):
    """A line of a comment, with its code between <code>."""
    parts = text.split("`")
    for index, part in enumerate(parts):
        if index % 2 and index < len(parts) - 1:
            part = f"<code>{html.escape(part, quote=False)}</code>"
        parts[index] = re.sub(r"([@#\\%])", r"\\\1", part)
    return "".join(parts)


def without_lambda(found):
    """In its place just any type, with the words that stood behind its bracket."""
    said = re.search("///< (.*)", found.group())
    words = f"/** {escape(said.group(1))} */ " if said else ""
    return f"{words}{found.group(1)}auto" + "\n" * found.group().count("\n")


def name_of(lines, start):
    """The name of the function whose declaration begins in the line, or nothing."""
    head = ""
    for line in lines[start:start + 5]:
        code = line.split("//")[0].strip()
        if not code.startswith(("template", "requires")):
            head += " " + code
            found = NAMED.search(head)
            if found and not NO_NAME.match(found.group(1)):
                return found.group(1).strip()
        if code.endswith((";", "{", "}")):
            break
    return None


def described_enumerators(code):
    """The enumerators of an enumeration in one line are of the kind whose names say all."""
    found = ENUM.match(code)
    if not found:
        return code
    names = re.sub(r"(\w+)", rf"\1 /**< {NOTHING} */", found.group(2))
    return found.group(1) + names + found.group(3)


class Filter:
    """One header, line by line."""

    def __init__(self, text):
        text = TYPE_BY_LAMBDA.sub(without_lambda, text)
        self.lines = text.split("\n")
        self.top = True  # Still in the comment at the top.
        self.names = {}  # By indentation: the function that the last line of this depth declared.
        self.documented = False  # A comment stands right above.

    def result(self):
        return "\n".join(self._line(index) for index in range(len(self.lines)))

    def _line(self, index):
        line = self.lines[index]
        if self.top and line.startswith("//"):
            return f"///{escape(line[2:])}"
        if self.top:
            self.top = False
            return "/// @file" if line == "#pragma once" else line
        comment = COMMENT.match(line)
        if comment:
            self.documented = True
            indent, said = comment.groups()
            # Four blanks make it an example, which is left as it is.
            return f"{indent}///{'  ' + said if said.startswith('   ') else escape(said)}"
        trailing = TRAILING.match(line)
        if trailing:
            line = self._trailing(**trailing.groupdict())
        elif self.documented:
            line = described_enumerators(line)
        else:
            line = self._silent(index, line)
        return self._remember(index, line)

    def _trailing(self, indent, code, said):
        if ENUM.match(code):
            return f"{indent}/** {escape(said)} */ {described_enumerators(code)}"
        if code.endswith(("{", "(", ")")) or code.count("(") > code.count(")"):
            return f"{indent}/** {escape(said)} */ {code}"
        return f"{indent}{code}  ///< {escape(said)}"

    def _silent(self, index, line):
        """A line without words of its own."""
        code = described_enumerators(line.strip())
        indent = line[:len(line) - len(line.lstrip())]
        if code.endswith("= default;"):
            return f"{line}  ///< Memberwise."
        if MOVES.match(code):
            return f"{indent}/** Moves. */ {code}"
        name = name_of(self.lines, index)
        if name and name[0].isupper() and "detail::" in code:
            return f"{indent}/** For the library itself. */ {code}"
        if name and name == self.names.get(len(indent)):
            return f"{indent}/** @overload */ {code}"
        if ACCESSOR.search(code) or (indent and not name and MEMBER.match(code)):
            return f"{indent}/** {NOTHING} */ {code}"
        return indent + code

    def _remember(self, index, line):
        """Which function stands above what comes next at this depth."""
        source = self.lines[index]
        depth = len(source) - len(source.lstrip())
        code = source.split("//")[0].strip()
        if not code or code.endswith(":"):
            self.names.pop(depth, None)
        elif not code.startswith(("}", ":", ")")):
            starts = not self.lines[index - 1].split("//")[0].strip().startswith(
                ("template", "requires"))
            if starts:
                self.names[depth] = name_of(self.lines, index)
        self.documented = code.startswith(("template", "requires")) and self.documented
        return line


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(Filter(file.read()).result(), end="")
