//! Functions that take bytes and return bytes, in the two conventions that guests are compiled with.
//!
//! *wasmedge-bindgen*: the guest exports `allocate(size) -> address`; a function gets the address of an array of (address, length)
//! pairs and their number, and returns the address of nine bytes: 0 or an error, an address, a number. Behind the address are so
//! many records of an address, a tag of the type and a size in bytes, or the text of the error.
//!
//! *wasm-bindgen*: the guest exports `__wbindgen_malloc`; a function gets address and length of each input, behind the address of a
//! place for its result, if it has one: address and length of the bytes. Newer guests return the two.
//!
//! The instance ends with the request, so that nothing is given back to its allocator.

use crate::failed::Failed;
use axum::body::Bytes;
use gristmill::{ExternType, Func, Instance, Memory, Module, Store, Val, ValType};
use serde_json::Value;

/// What a function returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// Nothing.
    Nothing,
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Numbers, or several things.
    Json(Value),
}

/// How a guest passes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// `allocate`, an array of inputs, a tagged result.
    WasmEdge,
    /// `__wbindgen_malloc`, address and length.
    WasmBindgen,
}

/// Exports that are part of a convention, and no functions to call.
const RESERVED: [&str; 2] = ["allocate", "deallocate"];

/// Where wasm-bindgen's guests keep a result when they have no stack pointer to move.
const RETURN_AREA: u32 = 8;

impl Convention {
    /// As the module's exports say; none: its functions take no bytes.
    pub fn of(module: &Module) -> Option<Self> {
        let is_function = |name| matches!(module.get_export(name), Some(ExternType::Func(_)));
        let has_memory = matches!(module.get_export("memory"), Some(ExternType::Memory(_)));
        match has_memory {
            true if is_function("allocate") => Some(Self::WasmEdge),
            true if is_function("__wbindgen_malloc") => Some(Self::WasmBindgen),
            _ => None,
        }
    }
}

/// Whether that may be the name of a function to call: none that a convention or the system has for itself.
pub fn is_callable(name: &str) -> bool {
    !name.starts_with('_') && !RESERVED.contains(&name)
}

/// Calls function `name` of an instance, whose answer has `most` bytes at most.
///
/// # Errors
/// There is no such function, it fails, or its answer does not lie in its memory.
pub fn call<T>(
    store: &mut Store<T>,
    instance: Instance,
    name: &str,
    inputs: &[Bytes],
    most: usize,
) -> Result<Returned, Failed> {
    let missing = || Failed::NotFound(format!("there is no function `{name}` that takes bytes"));
    let memory = instance.get_memory(&*store, "memory").ok_or_else(missing)?;
    let func = instance.get_func(&*store, name).filter(|_| is_callable(name)).ok_or_else(missing)?;
    let guest = Guest { instance, memory, most };
    match (instance.get_func(&*store, "allocate"), instance.get_func(&*store, "__wbindgen_malloc")) {
        (Some(allocate), _) => guest.wasmedge(store, allocate, func, inputs),
        (None, Some(malloc)) => guest.wasm_bindgen(store, malloc, func, inputs),
        (None, None) => Err(missing()),
    }
}

struct Guest {
    instance: Instance,
    memory: Memory,
    most: usize,
}

/// Calls a function of 32-bit numbers that returns as many as there are in `results`.
fn numbers<T>(store: &mut Store<T>, func: Func, args: &[u32], results: &mut [u32]) -> Result<(), Failed> {
    let ty = func.ty(&*store);
    let fits = |types: &[ValType], count| types.len() == count && types.iter().all(|ty| *ty == ValType::I32);
    if !fits(ty.params(), args.len()) || !fits(ty.results(), results.len()) {
        return Err(Failed::Answer(format!(
            "a function of bytes is of type {ty}, which does not fit {} inputs",
            args.len()
        )));
    }
    let args: Vec<_> = args.iter().map(|arg| Val::I32(*arg as i32)).collect();
    let mut returned = vec![Val::I32(0); results.len()];
    func.call(store, &args, &mut returned)?;
    for (result, value) in results.iter_mut().zip(returned) {
        // The function's type says so.
        *result = if let Val::I32(value) = value { value as u32 } else { 0 };
    }
    Ok(())
}

fn word(bytes: &[u8], index: usize) -> u32 {
    let bytes = bytes.get(4 * index..4 * index + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes)
}

impl Guest {
    fn read<T>(&self, store: &Store<T>, at: u32, length: u64) -> Result<Vec<u8>, Failed> {
        let outside = || Failed::Answer("the function's answer lies outside of its memory".into());
        let length = usize::try_from(length).map_err(|_| outside())?;
        let bytes = self.memory.data(store).get(at as usize..).and_then(|bytes| bytes.get(..length));
        let bytes = bytes.ok_or_else(outside)?;
        if length > self.most {
            return Err(Failed::Answer(format!("the function's answer has more than {} bytes", self.most)));
        }
        Ok(bytes.to_vec())
    }

    /// Writes where the guest said that there is room. What it said may be anything.
    fn write<T>(&self, store: &mut Store<T>, at: u32, bytes: &[u8]) -> Result<(), Failed> {
        let written = self.memory.write(store, at as usize, bytes);
        written.map_err(|_| Failed::Answer("the function allocates outside of its memory".into()))
    }

    fn wasmedge<T>(
        &self,
        store: &mut Store<T>,
        allocate: Func,
        func: Func,
        inputs: &[Bytes],
    ) -> Result<Returned, Failed> {
        let place = |store: &mut Store<T>, length: usize| {
            let (mut at, length) = ([0], u32::try_from(length).map_err(|_| Failed::TooLarge(u32::MAX as usize))?);
            numbers(store, allocate, &[length], &mut at)?;
            Ok::<_, Failed>(at[0])
        };
        let array = place(store, 8 * inputs.len())?;
        let mut pairs = Vec::with_capacity(8 * inputs.len());
        for input in inputs {
            let at = place(store, input.len())?;
            self.write(store, at, input)?;
            pairs.extend_from_slice(&at.to_le_bytes());
            pairs.extend_from_slice(&(input.len() as u32).to_le_bytes());
        }
        self.write(store, array, &pairs)?;
        let mut block = [0];
        numbers(store, func, &[array, inputs.len() as u32], &mut block)?;
        let block = self.read(store, block[0], 9)?;
        let (failed, at, count) = (block[0] != 0, word(&block[1..], 0), word(&block[1..], 1));
        if failed {
            let text = self.read(store, at, count.into())?;
            return Err(Failed::Function(String::from_utf8_lossy(&text).into_owned()));
        }
        let records = self.read(store, at, 12 * u64::from(count))?;
        let mut values = Vec::new();
        let mut room = self.most;
        for record in records.as_chunks::<12>().0 {
            let (at, tag, size) = (word(record, 0), word(record, 1), word(record, 2));
            let bytes = self.read(store, at, size.into())?;
            // Records may all point to the same bytes: what is returned is bounded, too.
            let left = room.checked_sub(bytes.len());
            room = left.ok_or_else(|| Failed::Answer(format!("the answer has more than {} bytes", self.most)))?;
            values.push(tagged(tag, bytes)?);
        }
        Ok(match (values.len(), values.pop()) {
            (_, None) => Returned::Nothing,
            (1, Some(value)) => value,
            (_, Some(last)) => Returned::Json(values.into_iter().chain([last]).map(json).collect()),
        })
    }

    fn wasm_bindgen<T>(
        &self,
        store: &mut Store<T>,
        malloc: Func,
        func: Func,
        inputs: &[Bytes],
    ) -> Result<Returned, Failed> {
        let aligned = malloc.ty(&*store).params().len() == 2;
        let ty = func.ty(&*store);
        let (params, results) = (ty.params().len(), ty.results().len());
        // A body without bytes is nothing to a function that takes nothing.
        let inputs = if params < 2 && inputs.iter().all(Bytes::is_empty) { &[] } else { inputs };
        let mut args = Vec::with_capacity(2 * inputs.len() + 1);
        let area = match params == 2 * inputs.len() + 1 {
            true => Some(self.return_area(store)?),
            false => None,
        };
        args.extend(area);
        for input in inputs {
            let length = u32::try_from(input.len()).map_err(|_| Failed::TooLarge(u32::MAX as usize))?;
            let mut at = [0];
            numbers(store, malloc, &[length, 1][..if aligned { 2 } else { 1 }], &mut at)?;
            self.write(store, at[0], input)?;
            args.extend([at[0], length]);
        }
        let mut returned = [0; 2];
        numbers(store, func, &args, &mut returned[..if area.is_none() && results == 2 { 2 } else { 0 }])?;
        let (at, length) = match area {
            Some(area) => {
                let pair = self.read(store, area, 8)?;
                (word(&pair, 0), word(&pair, 1))
            }
            None if results == 2 => (returned[0], returned[1]),
            None => return Ok(Returned::Nothing),
        };
        self.read(store, at, length.into()).map(Returned::Bytes)
    }

    fn return_area<T>(&self, store: &mut Store<T>) -> Result<u32, Failed> {
        let Some(stack) = self.instance.get_func(&*store, "__wbindgen_add_to_stack_pointer") else {
            return Ok(RETURN_AREA);
        };
        let mut area = [0];
        numbers(store, stack, &[(-16i32) as u32], &mut area)?;
        Ok(area[0])
    }
}

/// A result by its tag.
fn tagged(tag: u32, bytes: Vec<u8>) -> Result<Returned, Failed> {
    let integers = |size: usize, number: fn(&[u8]) -> Value| -> Result<Vec<Value>, Failed> {
        match bytes.len() % size {
            0 => Ok(bytes.chunks(size).map(number).collect()),
            _ => Err(Failed::Answer(format!("{} bytes are no values of tag {tag}", bytes.len()))),
        }
    };
    macro_rules! number {
        ($ty:ty) => {
            (size_of::<$ty>(), |bytes: &[u8]| {
                <$ty>::from_le_bytes(bytes.try_into().expect("a chunk is as long as the number")).into()
            })
        };
    }
    let (size, number): (usize, fn(&[u8]) -> Value) = match tag {
        21 => return Ok(Returned::Bytes(bytes)),
        31 => {
            let text = String::from_utf8(bytes).map_err(|_| Failed::Answer("a text that is not UTF-8".into()))?;
            return Ok(Returned::Text(text));
        }
        11 => (1, |bytes| (bytes[0] != 0).into()),
        12 => (4, |bytes| char::from_u32(word(bytes, 0)).map(String::from).into()),
        1 => number!(u8),
        2 | 22 => number!(i8),
        3 | 23 => number!(u16),
        4 | 24 => number!(i16),
        5 | 25 => number!(u32),
        6 | 26 => number!(i32),
        7 | 27 => number!(u64),
        8 | 28 => number!(i64),
        9 => number!(f32),
        10 => number!(f64),
        _ => return Err(Failed::Answer(format!("there is no tag {tag}"))),
    };
    let values = integers(size, number)?;
    if tag > 12 {
        return Ok(Returned::Json(values.into()));
    }
    let one = <[Value; 1]>::try_from(values);
    one.map(|[value]| Returned::Json(value)).map_err(|_| Failed::Answer(format!("more than one value of tag {tag}")))
}

fn json(value: Returned) -> Value {
    match value {
        Returned::Nothing => Value::Null,
        Returned::Bytes(bytes) => bytes.into(),
        Returned::Text(text) => text.into(),
        Returned::Json(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tags_that_are_none_and_sizes_that_do_not_fit_are_no_answer() {
        for (tag, bytes) in
            [(0, &b""[..]), (13, b"x"), (32, b""), (5, b"abc"), (5, b""), (6, b"12345678"), (11, b""), (31, b"\xff")]
        {
            assert!(tagged(tag, bytes.to_vec()).is_err(), "{tag} {bytes:?}");
        }
    }

    #[test]
    fn results_have_their_types() {
        let of = |tag, bytes: &[u8]| tagged(tag, bytes.to_vec()).unwrap();
        assert_eq!(of(21, b"\0\xff"), Returned::Bytes(vec![0, 255]));
        assert_eq!(of(31, "grüß".as_bytes()), Returned::Text("grüß".into()));
        assert_eq!(of(2, b"\xff"), Returned::Json(json!(-1)));
        assert_eq!(of(7, &u64::MAX.to_le_bytes()), Returned::Json(json!(u64::MAX)));
        assert_eq!(of(10, &0.5f64.to_le_bytes()), Returned::Json(json!(0.5)));
        assert_eq!(of(11, b"\x01"), Returned::Json(json!(true)));
        assert_eq!(of(12, &(u32::from('é')).to_le_bytes()), Returned::Json(json!("é")));
        assert_eq!(of(24, b"\x01\0\xff\xff"), Returned::Json(json!([1, -1])));
        assert_eq!(of(25, b""), Returned::Json(json!([])));
    }
}
