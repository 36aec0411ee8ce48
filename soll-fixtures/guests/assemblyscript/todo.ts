// Things to do, in storage: `todo add TEXT...`, `todo done NUMBER`, `todo` alone shows them. Needs a namespace of storage.

import * as storage from "./storage";

const words = process.argv.slice(1);
const command = words.length > 0 ? words[0] : "show";

if (command == "add" && words.length > 1) {
  const number = storage.increment("last", 1);
  storage.set(key(number), words.slice(1).join(" "));
  console.log(number.toString());
} else if (command == "done" && words.length == 2) {
  if (!storage.remove(key(I64.parseInt(words[1])))) {
    process.stderr.write<string>("there is no " + words[1] + "\n");
    process.exit(1);
  }
} else if (command == "show") {
  const keys = storage.keys("todo/");
  for (let i = 0; i < keys.length; ++i) {
    const number = I64.parseInt(keys[i].substring(5));
    console.log(number.toString() + " " + storage.get(keys[i]));
  }
} else {
  process.stderr.write<string>("add TEXT..., done NUMBER or nothing\n");
  process.exit(2);
}

// Keys are in the order of their bytes: numbers of one width are in their own.
function key(number: i64): string {
  return "todo/" + number.toString().padStart(10, "0");
}
