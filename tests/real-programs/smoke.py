"""CPython over itself: numbers, text, files, SQLite in a file, and what must fail."""
import decimal, hashlib, json, math, os, random, re, sqlite3, subprocess, sys, tempfile, time, unicodedata, zipfile, zlib

assert sys.platform == "wasi" and sys.argv[1:] == ["a b", ""], sys.argv
assert sum(range(10**6)) == 499999500000
assert math.fsum([0.1] * 10) == 1.0 and str(decimal.Decimal(2).sqrt())[:12] == "1.4142135623"
assert pow(3, 10**5, 10**9 + 7) == 64758028 or pow(3, 10**5) % (10**9 + 7) == pow(3, 10**5, 10**9 + 7)
assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf8f01cfea")
assert json.loads(json.dumps({"k": [1, 2.5, None, "\u00e9"]})) == {"k": [1, 2.5, None, "\u00e9"]}
assert unicodedata.normalize("NFD", "\u00e9") == "e\u0301"
assert zlib.decompress(zlib.compress(b"wasm" * 10_000)) == b"wasm" * 10_000
assert len(re.findall(r"\b\w+(?=ing\b)", "running jumping sing thing")) == 4
numbers = random.Random(7).sample(range(10**6), 50_000)
assert sorted(numbers)[0] == min(numbers)
before = time.monotonic()
time.sleep(0.01)
assert time.monotonic() - before >= 0.01

# Files, as far as they are granted.
os.chdir("/guest")
with tempfile.TemporaryDirectory(dir=".") as folder:
    path = os.path.join(folder, "a.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"line {n}\n" for n in range(10_000))
    os.rename(path, path + ".moved")
    assert sum(1 for _ in open(path + ".moved")) == 10_000
    with zipfile.ZipFile(os.path.join(folder, "a.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path + ".moved", "a.txt")
    assert zipfile.ZipFile(os.path.join(folder, "a.zip")).testzip() is None
    os.symlink("a.txt.moved", os.path.join(folder, "link"))
    assert sorted(os.listdir(folder)) == ["a.txt.moved", "a.zip", "link"]

# A session of SQLite, and what it wrote read again.
if os.path.exists("books.db"):
    os.remove("books.db")
base = sqlite3.connect("books.db")
base.execute("create table book (id integer primary key, title text unique, pages integer)")
with base:
    base.executemany("insert into book (title, pages) values (?, ?)", ((f"t{n}", n % 500) for n in range(5_000)))
try:
    with base:
        base.execute("update book set pages = 0")
        base.execute("insert into book (title) values ('t1')")
except sqlite3.IntegrityError:
    pass
base.close()
base = sqlite3.connect("books.db")
assert base.execute("select count(*), sum(pages) from book").fetchone() == (5_000, 1_247_500)
assert base.execute("pragma integrity_check").fetchone() == ("ok",)
plan = base.execute("explain query plan select id from book where title = 't9'").fetchone()[3]
assert "INDEX" in plan, plan
base.close()

# What must fail, and how.
def deep(n):
    return deep(n + 1)

for error, act in [
    (RecursionError, lambda: deep(0)),
    (PermissionError, lambda: open("/guest/../../etc/passwd")),
    (FileNotFoundError, lambda: open("/etc/passwd")),
    (OSError, lambda: subprocess.run(["ls"])),
    (MemoryError, lambda: bytearray(2**30)),
]:
    try:
        act()
    except error:
        continue
    except Exception as other:
        print("not", error.__name__, "but", repr(other))
        sys.exit(1)
    print("no", error.__name__)
    sys.exit(1)
print("python", sys.version.split()[0], "sqlite", sqlite3.sqlite_version, "ok")
