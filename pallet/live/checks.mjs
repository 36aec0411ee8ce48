// Steps that are counted. The first that fails ends the run, and says which it was.

let count = 0;

/** Runs a step and returns what it returns. */
export async function check(what, step) {
  let result;
  try {
    result = await step();
  } catch (error) {
    throw new Error(`not ok: ${what}`, { cause: error });
  }
  count += 1;
  console.log(`ok ${what}`);
  return result;
}

/** How many steps have passed. */
export const passed = () => count;
