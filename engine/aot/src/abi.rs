//! Signatures: how functions of machine code are called, by each other and from outside.
//!
//! | what | gets | gives |
//! |---|---|---|
//! | function | machine, budget, its parameters; gas in the pinned register | its results; gas in the pinned register |
//! | adaptor | machine, budget, address of values, function | the values |
//! | gate | machine, three more | nothing, or never comes back |
//! | leave | machine | never comes back |

use cranelift_codegen::ir::{
    AbiParam, ConstantData, InstBuilder, MemFlagsData, Signature, TrapCode, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use gristmill::Trap;
use gristmill::tier::{self, Parsed};
use gristmill::wasm::types::{FuncType, ValType};

/// A trap that is never executed: what stands before it does not come back.
pub(crate) const NEVER: TrapCode = TrapCode::unwrap_user(1);

/// The code of an instruction that traps when the processor refuses it.
pub(crate) fn trap_code(trap: Trap) -> TrapCode {
    match trap {
        Trap::MemoryOutOfBounds => TrapCode::HEAP_OUT_OF_BOUNDS,
        trap => TrapCode::unwrap_user(trap as u8 + 2),
    }
}

/// The trap of an instruction with this code; `None`: what goes before sees to it that it never is.
pub(crate) fn trap_of(code: TrapCode) -> Option<Trap> {
    Trap::ALL.into_iter().find(|trap| trap_code(*trap) == code)
}

/// What a vector is in signatures, in locals and on the operand stack.
pub(crate) const VECTOR: Type = types::I8X16;

/// The type of machine code that a type of values has. References are addresses or numbers.
pub(crate) fn of(ty: ValType) -> Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => VECTOR,
        ValType::I64 | ValType::Ref(_) => types::I64,
    }
}

/// The same, of the parser's types.
pub(crate) fn of_parser(ty: tier::ValType) -> Type {
    of(ValType::from_parser(ty).expect("validated: the profile has this type"))
}

/// What a local starts with.
pub(crate) fn zero(b: &mut FunctionBuilder<'_>, ty: Type) -> Value {
    match ty {
        types::F32 => b.ins().f32const(0.0),
        types::F64 => b.ins().f64const(0.0),
        VECTOR => vector(b, ty, &[0; 16]),
        ty => b.ins().iconst(ty, 0),
    }
}

/// A constant vector.
pub(crate) fn vector(b: &mut FunctionBuilder<'_>, ty: Type, bytes: &[u8; 16]) -> Value {
    let constant = b.func.dfg.constants.insert(ConstantData::from(bytes.as_slice()));
    b.ins().vconst(ty, constant)
}

/// Writes `values` to the slots from `to` on, as the interpreter has them.
pub(crate) fn store_all(b: &mut FunctionBuilder<'_>, flags: MemFlagsData, to: Value, values: &[Value]) {
    let mut at = 0;
    for value in values {
        let slot = to_slot(b, *value);
        b.ins().store(flags, slot, to, at);
        at += b.func.dfg.value_type(slot).bytes() as i32;
    }
}

/// Reads values of these types from the slots from `from` on.
pub(crate) fn load_all(b: &mut FunctionBuilder<'_>, flags: MemFlagsData, from: Value, types: &[ValType]) -> Vec<Value> {
    let mut at = 0;
    let load = |ty: &ValType| {
        let value = b.ins().load(of(*ty), flags, from, at);
        at += 8 * ty.slots() as i32;
        value
    };
    types.iter().map(load).collect()
}

/// A value as slots of the interpreter have it: 64 bits, zero-extended; a vector as it is, two of them.
pub(crate) fn to_slot(b: &mut FunctionBuilder<'_>, value: Value) -> Value {
    match b.func.dfg.value_type(value) {
        types::I32 => b.ins().uextend(types::I64, value),
        types::F32 => {
            let bits = b.ins().bitcast(types::I32, MemFlagsData::new(), value);
            b.ins().uextend(types::I64, bits)
        }
        types::F64 => b.ins().bitcast(types::I64, MemFlagsData::new(), value),
        _ => value,
    }
}

/// Signatures of a module's function types.
pub(crate) struct Signatures(Vec<Signature>);

impl Signatures {
    pub(crate) fn new(parsed: &Parsed) -> Self {
        Self(parsed.types.iter().map(function).collect())
    }

    /// Of type `index`.
    pub(crate) fn of(&self, index: u32) -> &Signature {
        &self.0[index as usize]
    }
}

fn function(ty: &FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    let params = ty.params().iter().map(|ty| of(*ty));
    signature.params.extend([types::I64; 2].into_iter().chain(params).map(AbiParam::new));
    signature.returns.extend(ty.results().iter().map(|ty| AbiParam::new(of(*ty))));
    signature
}

fn outside(params: usize) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend(vec![AbiParam::new(types::I64); params]);
    signature
}

/// Of adaptors.
pub(crate) fn adaptor() -> Signature {
    outside(4)
}

/// Of a gate.
pub(crate) fn gate() -> Signature {
    outside(4)
}

/// Of the way out.
pub(crate) fn leave() -> Signature {
    outside(1)
}
