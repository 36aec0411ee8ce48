// Sorts the lines of standard input by their code units; `-r` turns the order round. Needs no grant.

function input(): string {
  const piece = new ArrayBuffer(65536);
  let bytes = new Uint8Array(0);
  for (let read = process.stdin.read(piece); read > 0; read = process.stdin.read(piece)) {
    const more = new Uint8Array(bytes.length + read);
    more.set(bytes);
    more.set(Uint8Array.wrap(piece, 0, read), bytes.length);
    bytes = more;
  }
  return String.UTF8.decode(bytes.buffer);
}

const lines = input().split("\n");
// What is behind the last end of a line is no line.
if (lines[lines.length - 1].length == 0) lines.pop();
lines.sort();
if (process.argv.includes("-r")) lines.reverse();
for (let i = 0; i < lines.length; ++i) process.stdout.write<string>(lines[i] + "\n");
