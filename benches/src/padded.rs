//! Contracts that do nothing, of a given size: what a call costs beyond the contract's own work.

use wasm_encoder::{
    BlockType, CodeSection, ExportKind, ExportSection, Function, FunctionSection, MemArg, MemArgTarget, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

/// A module of at least `size` bytes whose `main` returns at once. The rest are functions with loops, branches, loads and
/// stores, each a little different, as contracts have and never call for one message.
pub fn module(size: usize) -> Vec<u8> {
    let mut bodies = 0;
    loop {
        let wasm = build(bodies);
        if wasm.len() >= size {
            return wasm;
        }
        bodies += 1 + (size - wasm.len()) / 200;
    }
}

fn build(bodies: usize) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([ValType::I32, ValType::I32], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut code = CodeSection::new();
    let mut main = Function::new([]);
    main.instructions().end();
    code.function(&main);
    for k in 0..bodies {
        functions.function(1);
        code.function(&body(k as i32));
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("main", ExportKind::Func, 0).export("memory", ExportKind::Memory, 0);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

/// A loop over bytes with a sum, a branch and a call of the function itself.
fn body(k: i32) -> Function {
    let mut f = Function::new([(2, ValType::I32), (1, ValType::I64)]);
    let at = |offset: u64, align: u32| MemArg { offset, align, target: MemArgTarget::Memory(0), ordering: None };
    let mut i = f.instructions();
    i.block(BlockType::Empty).loop_(BlockType::Empty);
    i.local_get(2).local_get(1).i32_ge_u().br_if(1);
    i.local_get(0).local_get(2).i32_add().i32_load8_u(at(k as u64, 0));
    i.local_get(3).i32_const(31 + k).i32_mul().i32_add().local_set(3);
    i.local_get(3).i64_extend_i32_u().local_get(4).i64_const(i64::from(k) << 20).i64_xor().i64_add().local_set(4);
    i.local_get(2).i32_const(1).i32_add().local_set(2).br(0).end().end();
    i.local_get(0).local_get(4).i64_store(at(8, 3));
    i.local_get(3).i32_const(k + 1).i32_rem_u().if_(BlockType::Empty);
    i.local_get(0).i32_const(64).i32_add().local_get(1).i32_const(1).i32_shr_u().call(1 + k as u32).drop();
    i.end();
    i.local_get(3).local_get(4).i32_wrap_i64().i32_xor().end();
    f
}
