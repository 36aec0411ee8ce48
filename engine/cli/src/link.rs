//! Why a module cannot be linked, and what would help.

use gristmill::contract::eei::Eei;
use gristmill::{Error, ExternType, HostApi, ImportType, Linker, Module};

use crate::output::Failure;
use crate::program::extensions;

/// Modules of interfaces that programs do not get here, and what there is to say of them.
const OTHERS: &[(&str, &str)] = &[
    (
        "wasi_snapshot_preview2",
        "preview 2 of WASI; compile the program for preview 1 (`wasi_snapshot_preview1`, wasm32-wasip1)",
    ),
    ("wasi_ephemeral_nn", "the extension `nn`, which this build is without"),
    ("ssvm_tensorflow", "the extension `nn`, which this build is without"),
    ("ssvm_tensorflowlite", "the extension `nn`, which this build is without"),
    ("ssvm_image", "the extension `nn`, which this build is without"),
    ("wasmedge_tensorflow", "the extension `nn`, which this build is without"),
    ("wasmedge_tensorflowlite", "the extension `nn`, which this build is without"),
    ("wasmedge_image", "the extension `nn`, which this build is without"),
    ("ssvm_storage", "SSVM's storage, whose functions are in the module `ssvm_native`"),
    ("wasmedge_storage", "WasmEdge's storage, whose functions are in the module `wasmedge_native`"),
    ("env", "what a compiler leaves there when nobody defines a function; link it, or compile the program for WASI"),
    ("wbg", "JavaScript, by wasm-bindgen; compile the program for wasm32-wasip1"),
    ("__wbindgen_placeholder__", "JavaScript, by wasm-bindgen; compile the program for wasm32-wasip1"),
    ("go", "JavaScript, by Go; compile the program with GOOS=wasip1"),
    ("gojs", "JavaScript, by Go; compile the program with GOOS=wasip1"),
];

/// Why a program could not be linked: which import it was, and what would have it.
pub fn failure<T>(error: Error, module: &Module, linker: &Linker<T>) -> Failure {
    let defined = |import: &ImportType<'_>| linker.names().any(|name| name == (import.module(), import.name()));
    match module.imports().find(|import| !defined(import)) {
        Some(import) => {
            let (from, name) = (import.module(), import.name());
            let message = format!("{error}; {}", hint(&import, linker));
            Failure::refused(message).with("import", format!("{from}.{name}"))
        }
        None => Failure::refused(format!("{error}; `gristmill extensions` lists all types")),
    }
}

/// What would have the import.
fn hint<T>(import: &ImportType<'_>, linker: &Linker<T>) -> String {
    let (from, name) = (import.module(), import.name());
    if Eei::rows().iter().any(|row| row.module == from || (from == "env" && row.name == name)) {
        return "the module is a contract, which runs with `deploy` and `call`".into();
    }
    if linker.names().next().is_none() {
        return "this command links nothing; programs run with `run`".into();
    }
    if !matches!(import.ty(), ExternType::Func(_)) {
        return "programs import functions and nothing else".into();
    }
    if let Some((_, what)) = OTHERS.iter().find(|(module, _)| *module == from) {
        return format!("that is {what}");
    }
    // A component's interface: `wasi:cli/run@0.2.0`.
    if from.starts_with("wasi:") {
        return "that is a component's; compile the program for preview 1 (`wasi_snapshot_preview1`, wasm32-wasip1)"
            .into();
    }
    let same_module = linker.names().filter(|(module, _)| *module == from);
    if let Some(near) = nearest(name, same_module.map(|(_, name)| name)) {
        return format!("the extension `{}` has `{near}`", extension(from));
    }
    if let Some((module, _)) = linker.names().find(|(_, other)| *other == name) {
        return format!("the extension `{}` has it, in the module `{module}`", extension(module));
    }
    if let Some(near) = nearest(from, linker.names().map(|(module, _)| module)) {
        return format!("there is a module `{near}`, of the extension `{}`", extension(near));
    }
    "no extension has it: `gristmill extensions` lists what programs may import".into()
}

/// The extension with that module.
fn extension(module: &str) -> &'static str {
    let has = |extension: &&crate::program::Extension| {
        extension.rows.iter().any(|row| row.module == module) || extension.also.contains(&module)
    };
    extensions().iter().find(has).map_or("?", |extension| extension.name)
}

/// The name that is most like it, if one is much like it.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // What no function is called; the comparison takes the product of both lengths.
    if name.len() > 64 {
        return None;
    }
    let far = |other: &str| strsim::damerau_levenshtein(name, other);
    names
        .map(|other| (far(other), other))
        .filter(|(far, _)| *far <= name.len().div_ceil(3))
        .min()
        .map(|(_, other)| other)
}
