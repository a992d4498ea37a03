"""A second reader of the vault's files, written after docs/reference/vault-format.md and nothing
else: it reads what the library wrote once. Argon2id, XChaCha20 and the secretstream are those of
libsodium, the rest is here."""
import ctypes
import ctypes.util
import hashlib
import hmac
import pathlib
import sqlite3
import struct
import unittest

SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
SODIUM.sodium_init()
FILES = pathlib.Path(__file__).parent / "format"
DATA_KEY = bytes(range(32))


def read(name):
    return bytes.fromhex((FILES / name).read_text(encoding="ascii"))


def hkdf(key, salt, info):
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def numbers(content, offset, layout):
    return struct.unpack_from("<" + layout, content, offset)


def unlock(content, password):
    """The data key; None for a wrong password."""
    assert content[:16] == b"turnstile.keys\0\0"
    assert hashlib.sha256(content[:-32]).digest() == content[-32:]
    version, count = numbers(content, 16, "II")
    assert version == 1 and len(content) == 40 + 112 * count + 64
    key_id = content[24:40]
    for offset in range(40, 40 + 112 * count, 112):
        slot = content[offset:offset + 112]
        _, kind, passes, memory = numbers(slot, 0, "IIQQ")
        if kind != 1:
            continue
        wrapping, data_key = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
        argon2id_13 = 2
        SODIUM.crypto_pwhash(wrapping, ctypes.c_ulonglong(32), password,
                             ctypes.c_ulonglong(len(password)), slot[24:40],
                             ctypes.c_ulonglong(passes), ctypes.c_size_t(memory), argon2id_13)
        additional = content[:20] + key_id + slot[:40]
        if SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
                data_key, None, None, slot[64:112], ctypes.c_ulonglong(48), additional,
                ctypes.c_ulonglong(len(additional)), slot[40:64], wrapping.raw) == 0:
            seal = hkdf(data_key.raw, key_id, b"turnstile keys seal 1")
            assert hmac.digest(seal, content[:-64], "sha256") == content[-64:-32]
            return data_key.raw
    return None


def open_sealed(content, data_key, context):
    assert content[:16] == b"turnstile.sealed"
    version, purpose, size = numbers(content, 16, "IIQ")
    assert version == 1
    assert len(content) == 144 + size + 17 * max(1, -(-size // 65536))
    salt, stream, seal = content[56:88], content[88:112], content[112:144]
    about = b"\0" + struct.pack("<I", purpose) + context
    header_key = hkdf(data_key, salt, b"turnstile sealed header 1" + about)
    assert hmac.digest(header_key, content[:112], "sha256") == seal
    state = ctypes.create_string_buffer(52)
    SODIUM.crypto_secretstream_xchacha20poly1305_init_pull(
        state, stream, hkdf(data_key, salt, b"turnstile sealed content 1" + about))
    plain, tags, offset = b"", [], 144
    while offset < len(content):
        chunk = content[offset:offset + 65536 + 17]
        piece, tag = ctypes.create_string_buffer(65536), ctypes.c_ubyte()
        assert SODIUM.crypto_secretstream_xchacha20poly1305_pull(
            state, piece, None, ctypes.byref(tag), chunk, ctypes.c_ulonglong(len(chunk)), None,
            ctypes.c_ulonglong(0)) == 0
        plain += piece.raw[:len(chunk) - 17]
        tags.append(tag.value)
        offset += len(chunk)
    assert tags == [0] * (len(tags) - 1) + [3] and len(plain) == size
    return plain


def chacha20(key, nonce, counter, length):
    def rotate(value, bits):
        return (value << bits | value >> (32 - bits)) & 0xFFFFFFFF

    def quarter(x, a, b, c, d):
        for left, into, other, bits in ((a, d, b, 16), (c, b, d, 12), (a, d, b, 8), (c, b, d, 7)):
            x[left] = (x[left] + x[other]) & 0xFFFFFFFF
            x[into] = rotate(x[into] ^ x[left], bits)

    stream = b""
    while len(stream) < length:
        start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key),
                 counter & 0xFFFFFFFF, *struct.unpack("<3I", nonce)]
        x = list(start)
        for _ in range(10):
            for i in range(4):
                quarter(x, i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        stream += struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, start)))
        counter += 1
    return stream[:length]


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def decrypt_pages(content, data_key):
    size = struct.unpack_from(">H", content, 16)[0]
    page_key = hkdf(data_key, b"", b"turnstile pages 1")
    plain = b""
    for number in range(1, len(content) // size + 1):
        page = content[(number - 1) * size:number * size]
        body, nonce, tag = page[:-32], page[-32:-16], page[-16:]
        counter = numbers(nonce, 12, "I")[0] ^ number
        keys = chacha20(page_key, nonce[:12], counter, 64)
        assert poly1305(keys[:32], page[:-16]) == tag
        front = 24 if number == 1 else 0
        stream = chacha20(keys[32:], nonce[:12], counter + 1, len(body) - front)
        body = body[:front] + bytes(a ^ b for a, b in zip(body[front:], stream))
        if number == 1:
            body = b"SQLite format 3\0" + body[16:]
        plain += body + page[-32:]
    return plain


class Format(unittest.TestCase):
    def test_key_slots_give_the_data_key(self):
        self.assertEqual(unlock(read("keys.hex"), b"correct horse"), DATA_KEY)
        self.assertIsNone(unlock(read("keys.hex"), b"wrong horse"))

    def test_a_sealed_file_gives_its_content(self):
        self.assertEqual(open_sealed(read("sealed.hex"), DATA_KEY, b"profile/attachment"), b"hello")

    def test_pages_give_a_database(self):
        image = bytearray(decrypt_pages(read("pages.hex"), DATA_KEY))
        image[18:20] = b"\x01\x01"
        connection = sqlite3.connect(":memory:")
        connection.deserialize(bytes(image))
        self.assertEqual(connection.execute("SELECT a FROM t").fetchall(), [("hello",)])


if __name__ == "__main__":
    unittest.main()
