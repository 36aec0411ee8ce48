//! An address book over SSVM's storage functions, through the crate that programs of its time were written with:
//! `contacts add NAME MAIL AGE` and `contacts show NAME`. Needs a namespace of storage.
//!
//! Those functions know no way to ask whether a key is there: showing somebody who was never added is a trap.

use rust_storage_interface_library::ssvm_storage::{load, store};
use serde::{Deserialize, Serialize};
use std::env;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Contact {
    name: String,
    mail: String,
    age: u8,
}

/// Keys have 32 bytes.
fn key(name: &str) -> String {
    format!("{name:.>32.32}")
}

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match &words[..] {
        [add, name, mail, age] if add == "add" => {
            let age = age.parse().expect("an age is a number up to 255");
            // `store` would choose the key; up to the crate's last version it does so in a buffer that is too small.
            store::update(&key(name), Contact { name: name.clone(), mail: mail.clone(), age });
        }
        [show, name] if show == "show" => {
            let Contact { name, mail, age } = load::load_as_struct(&key(name), Contact::default());
            println!("{name} <{mail}>, {age}");
        }
        _ => {
            eprintln!("add NAME MAIL AGE, or show NAME");
            std::process::exit(2);
        }
    }
}
