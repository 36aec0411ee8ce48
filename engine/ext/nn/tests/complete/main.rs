//! Each function with each kind of test, on both tiers and under all of its names: that it works, wrong pointers, no grant, no memory,
//! spent gas. A function that has no row in [`table`] fails. There are no rights to a model: it is granted or not.

#[path = "../common/mod.rs"]
mod common;
mod table;

use common::*;
use gristmill::{Config, Engine, Error, HostApi, Trap};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Grants, Limits, Price, Prices};
use gristmill_ext_nn::Nn;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use table::*;

/// A program in which a model was loaded and has run.
struct World {
    run: Run,
    /// Length of the model, or picture, and of both names.
    model: i64,
    names: [i64; 2],
    graph: i64,
    session: i64,
    tensor: i64,
}

/// A parameter that is an address: which, how many bytes are there, and whether their number is the next one.
struct Pointer {
    param: usize,
    bytes: i64,
    counted: bool,
}

impl World {
    fn new(engine: &Engine, names: Names, name: &str, grants: Grants) -> Self {
        let run = Run::on(engine, names, grants, Arc::default(), |nn| nn);
        // Of what was not made the first handle is asked for.
        let mut world = Self { run, model: 0, names: [1, 1], graph: 1, session: 1, tensor: 1 };
        world.lay(names, name);
        world.begin(names);
        world
    }

    /// Puts models, names and data into memory.
    fn lay(&mut self, names: Names, name: &str) {
        static LITE: OnceLock<(Vec<u8>, (String, String))> = OnceLock::new();
        let (lite, (x, y)) = LITE.get_or_init(|| (lite(), lite_names()));
        let (is_lite, is_image) = (names.module.ends_with("lite"), names.module.ends_with("image"));
        let model = match names.module {
            _ if is_lite => lite.clone(),
            _ if is_image => picture(name.contains("jpg")),
            "wasi_ephemeral_nn" => sum(&[2]),
            _ => frozen(&[2]),
        };
        let (x, y) = if is_lite { (&**x, &**y) } else { ("x", "y") };
        let run = &mut self.run;
        let [data, len] = run.put(DATA, &model);
        self.model = len;
        self.names = [run.put(NAMES, x.as_bytes())[1], run.put(OUTPUT, y.as_bytes())[1]];
        run.put(FACE, b"face{}");
        run.put(INPUT, &bytes(&[1.0, 2.0]));
        run.put(RECORD, &words(&[data as u32, len as u32]));
        run.put(SHORT, &words(&[2]));
        run.put(LONG, &2_i64.to_le_bytes());
        run.put(TENSOR, &words(&[SHORT as u32, 1, 1, INPUT as u32, 8]));
    }

    /// Loads the model and runs it, as far as that is granted.
    fn begin(&mut self, names: Names) {
        let steps: &[&str] = match names.module {
            "wasi_ephemeral_nn" => &["load", "init_execution_context", "set_input", "compute"],
            _ => &["create_session", "append_input", "append_output", "run_session", "get_output_tensor"],
        };
        for step in steps {
            let cases = table();
            let Some(case) = cases.iter().find(|it| it.names.module == names.module && it.name == *step) else {
                continue;
            };
            let (args, _) = self.values(&case.args);
            let answer = self.run.call(step, &args).unwrap();
            let handle = if names.prefix.is_empty() { self.run.u32_at(OUT).into() } else { answer };
            let made = match *step {
                "load" => &mut self.graph,
                "init_execution_context" | "create_session" => &mut self.session,
                "get_output_tensor" => &mut self.tensor,
                _ => continue,
            };
            *made = handle.max(1);
            self.run.put(OUT, &[0; 4]);
        }
    }

    /// Arguments as they are passed, and those that are addresses.
    fn values(&self, args: &[Arg]) -> (Vec<i64>, Vec<Pointer>) {
        let (mut values, mut pointers) = (Vec::new(), Vec::new());
        for arg in args {
            let param = values.len();
            let mut at = |at: usize, bytes, counted| {
                pointers.push(Pointer { param, bytes, counted });
                at as i64
            };
            let (first, second) = match *arg {
                Arg::Is(value) => (value, None),
                Arg::At(place, bytes) => (at(place, bytes, false), None),
                Arg::Of(place, bytes) => (at(place, bytes, true), Some(bytes)),
                Arg::One(place, bytes) => (at(place, bytes, false), Some(1)),
                Arg::Model => (at(DATA, self.model, true), Some(self.model)),
                Arg::X => (at(NAMES, self.names[0], true), Some(self.names[0])),
                Arg::Y => (at(OUTPUT, self.names[1], true), Some(self.names[1])),
                Arg::Graph => (self.graph, None),
                Arg::Session => (self.session, None),
                Arg::Tensor => (self.tensor, None),
            };
            values.push(first);
            values.extend(second);
        }
        (values, pointers)
    }
}

/// Two pixels by two.
fn picture(is_jpeg: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let done = match is_jpeg {
        true => JpegEncoder::new(&mut bytes).write_image(&[7; 12], 2, 2, ExtendedColorType::Rgb8),
        false => PngEncoder::new(&mut bytes).write_image(&[7; 12], 2, 2, ExtendedColorType::Rgb8),
    };
    done.unwrap();
    bytes
}

/// Models of the guest, and the one that is called `face`.
fn granted() -> Grants {
    static FILE: OnceLock<std::path::PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let file = folder("nn_complete").join("face.onnx");
        std::fs::write(&file, sum(&[2])).unwrap();
        file
    });
    Grants { models: vec![format!("face={}", Path::display(file)).parse().unwrap()], ..own() }
}

/// Each function on each tier and under each of its names, in a program with these grants.
fn everywhere(grants: &Grants, test: impl Fn(&str, &Case, World)) {
    let config = Config::new();
    let aot = Aot::new(Options::default()).unwrap();
    let engines = [
        ("interpreter", Engine::new(&config).unwrap()),
        ("machine code", Engine::with_compiler(&config, Arc::new(aot)).unwrap()),
    ];
    for (tier, engine) in &engines {
        for case in table() {
            let later: [String; 2] =
                [case.names.module, case.names.prefix].map(|text| text.replacen("ssvm_", "wasmedge_", 1));
            let alias = Names { as_module: later[0].clone().leak(), as_prefix: later[1].clone().leak(), ..case.names };
            let is_older = case.names.module.starts_with("ssvm_");
            for names in [Some(case.names), is_older.then_some(alias)].into_iter().flatten() {
                let world = World::new(engine, names, case.name, grants.clone());
                test(&format!("{}.{} on {tier}", names.as_module, case.name), &case, world);
            }
        }
    }
}

#[test]
fn every_function_has_a_row() {
    /// Parameters that are no addresses, and `tags`, which nobody reads.
    const NUMBERS: [&str; 15] = [
        "len", "count", "max", "encoding", "target", "graph", "context", "index", "session", "tensor", "dtype",
        "width", "height", "kind", "tags",
    ];
    let table = table();
    let named = |case: &Case| (case.names.module, format!("{}{}", case.names.prefix, case.name));
    let rows: BTreeSet<_> = table.iter().map(named).collect();
    assert_eq!(rows, Nn::rows().iter().map(|row| (row.module, row.name.to_string())).collect());
    assert_eq!(rows.len(), table.len());
    let engine = Engine::new(&Config::new()).unwrap();
    for case in &table {
        let row = Nn::rows().iter().find(|row| (row.module, row.name.to_string()) == named(case)).unwrap();
        let (values, pointers) = World::new(&engine, case.names, case.name, granted()).values(&case.args);
        assert_eq!(values.len(), row.params.len(), "{}", row.name);
        let is_record = |name: &str| name == "tensor" && case.names.module == WASI_NN.module;
        let is_number = |name: &str| {
            !is_record(name) && (NUMBERS.contains(&name) || name.ends_with("_len") || name.ends_with("_count"))
        };
        let addresses = (0..).zip(row.params).filter(|(_, (name, _))| !is_number(name)).map(|(place, _)| place);
        assert!(addresses.eq(pointers.iter().map(|pointer| pointer.param)), "{}: {:?}", row.name, row.params);
    }
}

#[test]
fn each_works() {
    everywhere(&granted(), |what, case, mut world| {
        let (args, _) = world.values(&case.args);
        let answer = world.run.call(case.name, &args).unwrap();
        let why = world.run.store.data().failure();
        match case.works {
            Works::Gives(expected) => assert_eq!(answer, expected, "{what}: {why:?}"),
            Works::Handle => assert_ne!(answer, 0, "{what}: {why:?}"),
        }
        assert_eq!(world.run.log(), "", "{what}");
    });
}

#[test]
fn each_checks_its_pointers() {
    everywhere(&granted(), |what, case, mut world| {
        let (args, pointers) = world.values(&case.args);
        for pointer in pointers {
            let (bytes, at) = (pointer.bytes, args[pointer.param]);
            let mut wrong = vec![(SIZE - bytes + 1, None), (SIZE, None), (-1, None), (-bytes, None)];
            if pointer.counted {
                let lengths = [(SIZE - 1, 2), (SIZE, 1), (-1, 1), (-1, 2), (at, -1), (at, -at), (at, SIZE - at + 1)];
                wrong.extend(lengths.map(|(at, length)| (at, Some(length))));
            }
            for (at, length) in wrong {
                let mut args = args.clone();
                args[pointer.param] = at;
                args.iter_mut().skip(pointer.param + 1).zip(length).for_each(|(arg, length)| *arg = length);
                let before = world.run.memory().to_vec();
                match world.run.call(case.name, &args) {
                    Ok(errno) => assert_eq!(errno, 3, "{what} {args:?}"),
                    Err(error) => assert_eq!(error.as_trap(), Some(Trap::InvalidMemoryAccess), "{what} {args:?}"),
                }
                assert!(world.run.memory() == before, "{what} {args:?}");
            }
        }
        assert_eq!(world.run.log(), "", "{what}");
    });
}

#[test]
fn none_loads_what_is_not_granted() {
    everywhere(&Grants::default(), |what, case, mut world| {
        let (args, _) = world.values(&case.args);
        let before = world.run.memory().to_vec();
        let answer = world.run.call(case.name, &args).unwrap();
        match case.bare {
            Bare::Refused(expected) => {
                assert_eq!(answer, expected, "{what}");
                assert!(world.run.log().contains("it takes --nn-"), "{what}: {}", world.run.log());
            }
            Bare::Nothing(expected) => assert_eq!(answer, expected, "{what}"),
            Bare::Free => {
                assert_eq!((answer, world.run.log().as_str()), (0, ""), "{what}");
                return;
            }
        }
        assert!(world.run.memory() == before, "{what}");
    });
}

#[test]
fn none_takes_memory_that_it_does_not_have() {
    let limits = Limits { pages: Some(0), ..Limits::default() };
    everywhere(&Grants { limits, ..granted() }, |what, case, mut world| {
        let Ok(expected) = case.no_memory else { return };
        let (args, _) = world.values(&case.args);
        let before = world.run.memory().to_vec();
        assert_eq!(world.run.call(case.name, &args).unwrap(), expected, "{what}");
        assert!(world.run.memory() == before, "{what}");
    });
}

#[test]
fn each_is_paid_for_first() {
    let price = Price { call: 1_000, kib: 0 };
    let prices = Prices { nn: price, image: price, ..Prices::default() };
    everywhere(&Grants { prices, ..granted() }, |what, case, mut world| {
        let (args, _) = world.values(&case.args);
        let before = world.run.memory().to_vec();
        world.run.set_gas(999);
        let spent = world.run.call(case.name, &args);
        assert!(matches!(spent, Err(Error::Trap(Trap::OutOfGas))), "{what}: {spent:?}");
        assert!(world.run.memory() == before, "{what}");
    });
}
