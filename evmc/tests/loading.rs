//! The loader's rules on the real library.

mod common;

use common::{ABIS, library, plugin};
use gristmill::contract::Refunds;
use gristmill_evmc::abi::layout::CAPABILITY_EWASM;
use gristmill_evmc::host::{LoadError, Plugin};

#[test]
fn the_name_of_the_file_chooses_the_abi() {
    for abi in ABIS {
        let plugin = plugin(abi, "");
        assert_eq!((plugin.abi(), plugin.name(), plugin.capabilities()), (abi, "gristmill".into(), CAPABILITY_EWASM));
        assert_eq!(plugin.version(), env!("CARGO_PKG_VERSION"));
        assert_eq!(plugin.refunds(), if abi < 10 { Refunds::Counted } else { Refunds::FromVm });
    }
    // As cargo names it: the newest.
    assert_eq!(Plugin::load(library().to_str().unwrap()).unwrap().abi(), 12);
}

#[test]
fn a_symbol_chooses_it_too() {
    let library = library();
    let path = library.to_str().unwrap();
    let plugin = Plugin::load_symbol(path, "evmc_create_gristmill_abi9", &[("metering", "true")]).unwrap();
    assert_eq!(plugin.abi(), 9);
    for symbol in ["evmc_create", "evmc_create_gristmill", "evmc_create_gristmill_evmc", "evmc_create_gristmill_abi12"]
    {
        assert_eq!(Plugin::load_symbol(path, symbol, &[]).unwrap().abi(), 12);
    }
    let error = Plugin::load_symbol(path, "evmc_create_other", &[]).unwrap_err();
    assert_eq!((error.number(), error), (2, LoadError::NoSymbol("evmc_create_other".into())));
}

#[test]
fn a_file_of_any_name_has_the_plain_symbol() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("whatever-2.1.so");
    std::fs::copy(library(), &copy).unwrap();
    assert_eq!(Plugin::load(copy.to_str().unwrap()).unwrap().abi(), 12);
}

#[test]
fn options_come_with_the_path() {
    let library = library();
    let path = library.to_str().unwrap();
    let fine = "engine=interp,metering=false,gas-schedule=v1,keccak-at-9=on,compat=ssvm,exports=lenient,features=beyond,\
                evm1mode=reject,debug=true,dispatch=loop,engine=aot,engine=auto,threads=2,memory=check,memory=guard,cache=1000000,verbose=1";
    Plugin::load(&format!("{path},{fine}")).unwrap();
    let load = |options: &str| Plugin::load(&format!("{path},{options}")).map(|p| p.abi());
    assert_eq!(load("nonsense=1"), Err(LoadError::OptionName("nonsense".into())));
    assert_eq!(load("engine=interp,thread=true").map_err(|e| e.number()), Err(6));
    for wrong in [
        "engine=wabt",
        "threads=true",
        "memory=guarded",
        "engine",
        "metering=",
        "verbose=5",
        "cache=-1",
        "evm1mode=runevm",
    ] {
        assert_eq!(load(wrong).map_err(|e| e.number()), Err(7), "{wrong}");
    }
    assert_eq!(load("").map_err(|e| e.number()), Err(6));
}

#[test]
fn what_is_no_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libtext.so");
    std::fs::write(&text, "no library").unwrap();
    assert_eq!(Plugin::load(text.to_str().unwrap()).unwrap_err().number(), 1);
    // A library without a create function.
    assert_eq!(Plugin::load("libc.so.6").unwrap_err().number(), 2);
}
