"""A picture that a browser took, decoded: PNG of eight bits a channel, without interlacing."""
import collections
import struct
import zlib


class Picture:
    """Pixels as (red, green, blue), by column and line from the top left."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        packed, at = b"", 8
        while at < len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            chunk = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colour, _, _, interlaced = struct.unpack(
                    ">IIBBBBB", chunk)
                assert (depth, interlaced) == (8, 0) and colour in (2, 6)
                self.channels = 3 if colour == 2 else 4
            elif kind == b"IDAT":
                packed += chunk
            at += length + 12
        self.lines = list(self._unfiltered(zlib.decompress(packed)))

    def _unfiltered(self, raw):
        step, length = self.channels, self.width * self.channels
        above = bytearray(length)
        for start in range(0, len(raw), length + 1):
            kind, line = raw[start], bytearray(raw[start + 1:start + 1 + length])
            for i in range(length if kind else 0):
                left, corner = (line[i - step], above[i - step]) if i >= step else (0, 0)
                line[i] = (line[i] + predicted(kind, left, above[i], corner)) & 255
            above = line
            yield line

    def at(self, x, y):
        return tuple(self.lines[y][x * self.channels:x * self.channels + 3])

    def colours(self, columns=None):
        """How often each colour is there, in all columns or in some."""
        return collections.Counter(self.at(x, y) for y in range(self.height)
                                   for x in columns or range(self.width))


def predicted(kind, left, above, corner):
    """What the filters of PNG expect of a byte."""
    if kind == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda each: abs(guess - each))
    return (0, left, above, (left + above) // 2)[kind]
