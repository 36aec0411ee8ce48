//! Contract calls in the words of Solidity: signatures and JSON ABIs in, values, revert reasons and events out.

use alloy_dyn_abi::{DynSolType, DynSolValue, ErrorExt, EventExt, FunctionExt, JsonAbiExt, Specifier};
use alloy_json_abi::{EventParam, Function, JsonAbi, Param};
use alloy_primitives::B256;
use gristmill::contract::types::{Address, Log, U256};
use serde_json::{Value, json};

/// Looks a name up among the labels of deployed contracts.
pub type Labels<'a> = &'a dyn Fn(&str) -> Option<Address>;

/// A call ready to be sent: the data, and the function where one is known.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The function that the data was encoded for, with its results if they are known.
    pub function: Option<Function>,
    /// Selector and arguments, or what the user gave as raw bytes.
    pub data: Vec<u8>,
}

impl Call {
    /// Encodes a call.
    ///
    /// `what` is raw data (`0x...`, no arguments then), a signature (`transfer(address,uint256)`, results as a second list
    /// of types if wanted) or, with an ABI, the name of a function. Nothing at all means empty call data.
    ///
    /// # Errors
    /// For the user: what is wrong with the signature or which argument does not fit its type.
    pub fn encode(
        what: Option<&str>,
        args: &[String],
        abi: Option<&JsonAbi>,
        labels: Labels<'_>,
    ) -> Result<Self, String> {
        let Some(what) = what else { return Ok(Self::default()) };
        if what.starts_with("0x") {
            if !args.is_empty() {
                return Err("raw call data takes no arguments: they are part of it".into());
            }
            return Ok(Self { function: None, data: parse_hex(what)? });
        }
        let function = if what.contains('(') { from_signature(what, abi)? } else { from_abi(what, args.len(), abi)? };
        if function.inputs.len() != args.len() {
            let (wants, has) = (function.inputs.len(), args.len());
            return Err(format!("{} takes {wants} arguments, {has} given", function.signature()));
        }
        let mut values = Vec::with_capacity(args.len());
        for (index, (param, text)) in function.inputs.iter().zip(args).enumerate() {
            let value = argument(param, text, labels)
                .map_err(|e| format!("argument {} of {} ({}): {e}", index + 1, function.signature(), param.ty))?;
            values.push(value);
        }
        let data = function.abi_encode_input(&values).map_err(|e| e.to_string())?;
        Ok(Self { function: Some(function), data })
    }

    /// The results, if the function's types are known and the output has their shape.
    pub fn decode_output(&self, output: &[u8]) -> Option<Vec<DynSolValue>> {
        let function = self.function.as_ref().filter(|f| !f.outputs.is_empty())?;
        function.abi_decode_output(output).ok()
    }
}

fn from_signature(text: &str, abi: Option<&JsonAbi>) -> Result<Function, String> {
    let function = Function::parse(text).map_err(|e| format!("`{text}` is not a function signature: {e}"))?;
    if let Some(unknown) = function.inputs.iter().chain(&function.outputs).find(|p| p.resolve().is_err()) {
        return Err(format!("`{}` in `{text}` is not a type of Solidity's ABI", unknown.ty));
    }
    // A signature without results borrows them from the ABI.
    let known = abi.and_then(|abi| abi.function_by_selector(function.selector()));
    Ok(if function.outputs.is_empty() { known.cloned().unwrap_or(function) } else { function })
}

fn from_abi(name: &str, args: usize, abi: Option<&JsonAbi>) -> Result<Function, String> {
    let Some(abi) = abi else {
        return Err(format!("`{name}` needs its types, as in `{name}(address,uint256)`, or an ABI file (--abi)"));
    };
    let all = abi.function(name).map(Vec::as_slice).unwrap_or_default();
    let mut fitting = all.iter().filter(|f| f.inputs.len() == args);
    match (fitting.next(), fitting.next()) {
        (Some(function), None) => Ok(function.clone()),
        (Some(_), Some(_)) => Err(format!("several functions `{name}` take {args} arguments: write the types too")),
        (None, _) if all.is_empty() => {
            let names: Vec<_> = abi.functions().map(Function::signature).collect();
            Err(format!("the ABI has no function `{name}`; it has {}", names.join(", ")))
        }
        (None, _) => {
            let shapes: Vec<_> = all.iter().map(Function::signature).collect();
            Err(format!("{args} arguments given, the ABI has {}", shapes.join(", ")))
        }
    }
}

fn argument(param: &Param, text: &str, labels: Labels<'_>) -> Result<DynSolValue, String> {
    let ty = param.resolve().map_err(|e| e.to_string())?;
    let text = match &ty {
        DynSolType::Address => hex_text(address(text, labels)?.as_bytes()),
        ty if pads_addresses(ty) => pad_hex_numbers(text),
        _ => text.to_string(),
    };
    ty.coerce_str(&text).map_err(|e| last_line(&e.to_string()))
}

/// Alloy's parser draws an arrow under the text; its last line says why.
fn last_line(message: &str) -> String {
    message.lines().rev().find(|l| !l.trim().is_empty() && l.trim() != "^").unwrap_or(message).trim().to_string()
}

/// Whether short hex numbers inside a value of this type may be padded to 40 digits: there is an address in it, and
/// nothing that a longer number would change.
fn pads_addresses(ty: &DynSolType) -> bool {
    fn leaves(ty: &DynSolType, address: &mut bool) -> bool {
        match ty {
            DynSolType::Address => {
                *address = true;
                true
            }
            DynSolType::Uint(bits) | DynSolType::Int(bits) => *bits >= 160,
            DynSolType::Bool => true,
            DynSolType::Array(inner) | DynSolType::FixedArray(inner, _) => leaves(inner, address),
            DynSolType::Tuple(all) => all.iter().all(|ty| leaves(ty, address)),
            _ => false,
        }
    }
    let mut address = false;
    leaves(ty, &mut address) && address
}

fn pad_hex_numbers(text: &str) -> String {
    let mut padded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        let digits = &rest[at + 2..];
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        padded.push_str(&rest[..at]);
        padded.push_str(&format!("0x{:0>40}", &digits[..end]));
        rest = &digits[end..];
    }
    padded + rest
}

/// An address: up to 40 hex digits after `0x`, padded with zeros on the left, or a label.
///
/// # Errors
/// Neither of the two.
pub fn address(text: &str, labels: Labels<'_>) -> Result<Address, String> {
    if let Some(found) = labels(text) {
        return Ok(found);
    }
    let Some(digits) = text.strip_prefix("0x") else {
        return Err(format!("`{text}` is neither an address (0x...) nor a known name"));
    };
    if digits.is_empty() || digits.len() > 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("`{text}` is not an address: 0x and 1 to 40 hex digits"));
    }
    let bytes = parse_hex(&format!("0x{digits:0>40}"))?;
    Ok(Address::from_slice(&bytes))
}

/// Bytes from hex text; `0x` in front is optional.
///
/// # Errors
/// An odd number of digits, or something that is no digit.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.trim().trim_start_matches("0x");
    hex::decode(digits).map_err(|e| format!("`{text}` is not hex: {e}"))
}

/// An amount in wei: decimal, hex, or with a unit (`5 gwei`, `1.5 ether`).
///
/// # Errors
/// Not a number, or more than 256 bits.
pub fn parse_amount(text: &str) -> Result<U256, String> {
    match DynSolType::Uint(256).coerce_str(&text.replace('_', "")) {
        Ok(DynSolValue::Uint(value, _)) => Ok(U256::from_big_endian(&value.to_be_bytes::<32>())),
        _ => Err(format!("`{text}` is not an amount: wei, or a number with a unit (`5 gwei`, `1.5 ether`)")),
    }
}

/// `0x` and the digits.
pub fn hex_text(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// A value as a person writes it.
pub fn to_text(value: &DynSolValue) -> String {
    let list = |values: &[DynSolValue]| values.iter().map(to_text).collect::<Vec<_>>().join(", ");
    match value {
        DynSolValue::Bool(v) => v.to_string(),
        DynSolValue::Int(v, _) => v.to_string(),
        DynSolValue::Uint(v, _) => v.to_string(),
        DynSolValue::FixedBytes(word, size) => hex_text(&word[..*size]),
        DynSolValue::Address(a) => hex_text(a.as_slice()),
        DynSolValue::Function(f) => hex_text(f.as_slice()),
        DynSolValue::Bytes(b) => hex_text(b),
        DynSolValue::String(s) => format!("{s:?}"),
        DynSolValue::Array(all) | DynSolValue::FixedArray(all) => format!("[{}]", list(all)),
        DynSolValue::Tuple(all) => format!("({})", list(all)),
    }
}

/// A value for machines: numbers as decimal text (they do not fit JSON's), bytes and addresses as hex.
pub fn to_json(value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(v) => json!(v),
        DynSolValue::String(s) => json!(s),
        DynSolValue::Array(all) | DynSolValue::FixedArray(all) | DynSolValue::Tuple(all) => {
            Value::Array(all.iter().map(to_json).collect())
        }
        other => json!(to_text(other)),
    }
}

/// Why a call reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `error` (Solidity's `Error(string)`), `panic`, `custom`, `text` (bare bytes that are text, as SOLL writes them),
    /// `bytes` or `none`.
    pub kind: &'static str,
    /// The reason in words.
    pub text: String,
}

/// Panic codes of Solidity (documentation, "Panic via assert and Error via require").
const PANICS: [(u64, &str); 10] = [
    (0x00, "generic panic"),
    (0x01, "assertion failed"),
    (0x11, "arithmetic overflow or underflow"),
    (0x12, "division by zero"),
    (0x21, "value outside the enum"),
    (0x22, "badly encoded storage byte array"),
    (0x31, "pop on an empty array"),
    (0x32, "array index out of bounds"),
    (0x41, "too much memory allocated"),
    (0x51, "call of an uninitialised function pointer"),
];

/// Reads revert data: `Error(string)`, `Panic(uint256)`, the ABI's own errors, bare text.
pub fn revert_reason(output: &[u8], abi: Option<&JsonAbi>) -> Reason {
    let reason = |kind, text| Reason { kind, text };
    if output.is_empty() {
        return reason("none", "no reason given".into());
    }
    for (signature, kind) in [("Error(string)", "error"), ("Panic(uint256)", "panic")] {
        if let Some(values) = alloy_json_abi::Error::parse(signature).ok().and_then(|e| e.decode_error(output).ok()) {
            return match values.body.first() {
                Some(DynSolValue::String(text)) => reason(kind, text.clone()),
                Some(DynSolValue::Uint(code, _)) => reason(kind, panic_text(u64::try_from(*code).unwrap_or(u64::MAX))),
                _ => continue,
            };
        }
    }
    for error in abi.into_iter().flat_map(JsonAbi::errors) {
        if let Ok(found) = error.decode_error(output) {
            let fields = named(error.inputs.iter().map(|p| p.name.as_str()), &found.body);
            return reason("custom", format!("{}({fields})", error.name));
        }
    }
    match std::str::from_utf8(output) {
        Ok(text) if !text.chars().any(char::is_control) => reason("text", text.into()),
        _ => reason("bytes", hex_text(output)),
    }
}

fn panic_text(code: u64) -> String {
    let words = PANICS.iter().find(|(c, _)| *c == code).map_or("unknown code", |(_, words)| words);
    format!("0x{code:02x} ({words})")
}

/// `name: value` pairs, or bare values where the ABI has no names.
fn named<'a>(names: impl Iterator<Item = &'a str>, values: &[DynSolValue]) -> String {
    let pairs = names.zip(values).map(|(name, value)| match name {
        "" => to_text(value),
        name => format!("{name}: {}", to_text(value)),
    });
    pairs.collect::<Vec<_>>().join(", ")
}

/// An event that an ABI knows.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Field names (empty where the ABI has none) and values, in the order of declaration.
    pub fields: Vec<(String, DynSolValue)>,
}

impl Event {
    /// `Transfer(from: 0x.., to: 0x.., value: 5)`.
    pub fn to_text(&self) -> String {
        let values: Vec<_> = self.fields.iter().map(|(_, v)| v.clone()).collect();
        format!("{}({})", self.name, named(self.fields.iter().map(|(n, _)| n.as_str()), &values))
    }
}

/// The event behind a log, if the ABI has one of that signature and the log has its shape.
pub fn decode_log(log: &Log, abi: Option<&JsonAbi>) -> Option<Event> {
    let topics: Vec<B256> = log.topics.iter().map(|t| B256::from(t.0)).collect();
    let selector = topics.first()?;
    let event = abi?.events().find(|e| !e.anonymous && e.selector() == *selector)?;
    let decoded = event.decode_log_parts(topics.iter().copied(), &log.data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
    let mut value = |input: &EventParam| if input.indexed { indexed.next() } else { body.next() };
    let fields = event.inputs.iter().filter_map(|input| Some((input.name.clone(), value(input)?))).collect();
    Some(Event { name: event.name.clone(), fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_LABELS: Labels<'_> = &|_| None;

    fn encode(what: &str, args: &[&str], abi: Option<&JsonAbi>) -> Result<String, String> {
        let args: Vec<_> = args.iter().map(|a| a.to_string()).collect();
        Call::encode(Some(what), &args, abi, NO_LABELS).map(|c| hex::encode(c.data))
    }

    fn token() -> JsonAbi {
        JsonAbi::parse([
            "function transfer(address to, uint256 value) returns (bool)",
            "function mint(uint256)",
            "function mint(address)",
            "event Transfer(address indexed from, address indexed to, uint256 value)",
            "error Insufficient(uint256 has, uint256 wants)",
        ])
        .unwrap()
    }

    #[test]
    fn refusals_name_the_cause() {
        let refused = |what: &str, args: &[&str], abi: Option<&JsonAbi>, word: &str| {
            let message = encode(what, args, abi).unwrap_err();
            assert!(message.contains(word), "{what}: {message}");
        };
        refused("transfer", &[], None, "needs its types");
        refused("transfer(address", &[], None, "not a function signature");
        refused("f(foo)", &["1"], None, "`foo`");
        refused("f(uint8)", &[], None, "takes 1 arguments, 0 given");
        refused("f(uint8)", &["256"], None, "argument 1 of f(uint8) (uint8)");
        refused("f(address)", &["bob"], None, "neither an address");
        refused("f(address)", &["0x"], None, "1 to 40");
        refused("f(address)", &["0x00000000000000000000000000000000000000b0b"], None, "1 to 40");
        refused("0xabc", &[], None, "not hex");
        refused("0xabcd", &["1"], None, "takes no arguments");
        refused("nothing", &[], Some(&token()), "it has mint(uint256), mint(address), transfer(address,uint256)");
        refused("mint", &["1"], Some(&token()), "several functions");
        refused("transfer", &["1"], Some(&token()), "the ABI has transfer(address,uint256)");
    }

    #[test]
    fn calls_are_encoded_as_the_abi_says() {
        let transfer = format!("a9059cbb{:0>64}{:0>64}", "b0b", "5");
        assert_eq!(encode("transfer(address,uint256)", &["0xb0b", "5"], None).unwrap(), transfer);
        assert_eq!(encode("transfer", &["0xb0b", "0x5"], Some(&token())).unwrap(), transfer);
        assert_eq!(encode("0xA9059CBB", &[], None).unwrap(), "a9059cbb");
        assert!(Call::encode(None, &[], None, NO_LABELS).unwrap().data.is_empty());
        let nested = encode("f((address,uint256)[])", &["[(0xb0b,7)]"], None).unwrap();
        assert!(nested.ends_with(&format!("{:0>64}{:0>64}", "b0b", "7")), "{nested}");
    }

    #[test]
    fn labels_stand_for_addresses() {
        let label = |name: &str| (name == "TOKEN").then(|| Address::repeat_byte(7));
        let call = Call::encode(Some("f(address)"), &["TOKEN".into()], None, &label).unwrap();
        assert_eq!(call.data[16..], [7; 20]);
        assert_eq!(address("TOKEN", &label), Ok(Address::repeat_byte(7)));
    }

    #[test]
    fn results_come_from_the_signature_or_the_abi() {
        let word = |n: u8| [vec![0; 31], vec![n]].concat();
        let bare =
            Call::encode(Some("transfer(address,uint256)"), &["0x1".into(), "1".into()], None, NO_LABELS).unwrap();
        assert_eq!(bare.decode_output(&word(1)), None);
        let args = ["0x1".to_string(), "1".to_string()];
        let with_abi = Call::encode(Some("transfer(address,uint256)"), &args, Some(&token()), NO_LABELS).unwrap();
        assert_eq!(with_abi.decode_output(&word(1)), Some(vec![DynSolValue::Bool(true)]));
        assert_eq!(with_abi.decode_output(&[1]), None, "output of another shape");
        let typed = Call::encode(Some("totalSupply()(uint256)"), &[], None, NO_LABELS).unwrap();
        assert_eq!(typed.decode_output(&word(9)).unwrap().iter().map(to_text).collect::<Vec<_>>(), ["9"]);
    }

    #[test]
    fn revert_data_is_read() {
        let reason = |hex_data: &str, abi: Option<&JsonAbi>| {
            let r = revert_reason(&hex::decode(hex_data).unwrap(), abi);
            (r.kind, r.text)
        };
        assert_eq!(reason("", None).0, "none");
        let error = format!("08c379a0{:0>64}{:0>64}{:0<64}", "20", "2", "6e6f");
        assert_eq!(reason(&error, None), ("error", "no".into()));
        let panic = format!("4e487b71{:0>64}", "11");
        assert_eq!(reason(&panic, None), ("panic", "0x11 (arithmetic overflow or underflow)".into()));
        let selector = token().error("Insufficient").unwrap()[0].selector();
        let custom = format!("{}{:0>64}{:0>64}", hex::encode(selector), "1", "2");
        assert_eq!(reason(&custom, Some(&token())), ("custom", "Insufficient(has: 1, wants: 2)".into()));
        assert_eq!(reason(&custom, None).0, "bytes");
        assert_eq!(reason(&hex::encode("no such token"), None), ("text", "no such token".into()));
    }

    #[test]
    fn logs_are_decoded_when_the_abi_knows_them() {
        let abi = token();
        let selector = abi.event("Transfer").unwrap()[0].selector();
        let topics = [selector.0, B256::with_last_byte(1).0, B256::with_last_byte(2).0].map(Into::into).to_vec();
        let mut log = Log { address: Address::zero(), topics, data: [vec![0; 31], vec![3]].concat() };
        let from = format!("0x{:0>40}", 1);
        let text = decode_log(&log, Some(&abi)).unwrap().to_text();
        assert_eq!(text, format!("Transfer(from: {from}, to: 0x{:0>40}, value: 3)", 2));
        assert!(decode_log(&log, None).is_none());
        log.topics.pop();
        assert!(decode_log(&log, Some(&abi)).is_none(), "a log of another shape");
    }

    #[test]
    fn amounts_have_units() {
        assert_eq!(parse_amount("12"), Ok(U256::from(12)));
        assert_eq!(parse_amount("1_000"), Ok(U256::from(1000)));
        assert_eq!(parse_amount("1.5 ether"), Ok(U256::from(1_500_000_000_000_000_000_u64)));
        assert!(parse_amount("much").is_err());
    }
}
