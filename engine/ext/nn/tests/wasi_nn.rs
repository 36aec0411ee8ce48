//! wasi-nn, function by function, through a guest.

mod common;

use common::*;
use gristmill::contract::{Ewasm, Options};
use gristmill::{Config, Engine, Error, HostApi, Profile, Trap};
use gristmill_ext_grants::{Digest, Grants, Inference, Limits, Model, Price, Prices};
use gristmill_ext_nn::{Failure, HANDLES, Models, Nn};
use std::sync::Arc;

const ONNX: i64 = 1;
const F32_TYPE: u8 = 1;

fn run() -> Run {
    Run::new(WASI_NN, own())
}

#[test]
fn a_model_of_one_operator_gives_its_sum() {
    let mut run = run();
    let context = run.ready(&sum(&[2]), ONNX);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &bytes(&[1.5, 2.0])), 0);
    run.is("compute", &[context], 0);
    assert_eq!(run.output(context, 0), bytes(&[2.5, 12.0]));
    assert_eq!(run.u32_at(OUT), 8);
    // Again, with another input.
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &bytes(&[0.0, 0.0])), 0);
    run.is("compute", &[context], 0);
    assert_eq!(run.output(context, 0), bytes(&[1.0, 10.0]));
    // The bytes tell what it is.
    let context = run.ready(&sum(&[2]), 5);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &bytes(&[1.0, 1.0])), 0);
}

#[test]
fn dimensions_that_are_open_are_those_of_the_input() {
    let mut run = run();
    let context = run.ready(&sum(&[-1, 2]), ONNX);
    for rows in [3, 1, 3] {
        let given: Vec<f32> = (0..2 * rows).map(|number| number as f32).collect();
        assert_eq!(run.input(context, 0, F32_TYPE, &[rows, 2], &bytes(&given)), 0);
        run.is("compute", &[context], 0);
        let sums: Vec<f32> = given.iter().enumerate().map(|(i, it)| it + [1.0, 10.0][i % 2]).collect();
        assert_eq!(run.output(context, 0), bytes(&sums));
    }
    assert_eq!(run.input(context, 0, F32_TYPE, &[3, 3], &[0; 36]), 1);
}

#[test]
fn encodings_and_targets_are_answered_honestly() {
    let mut run = run();
    let model = sum(&[2]);
    for encoding in [0, 3, 6, 7, 8, 9, 14, 15, 100, 0x7e46, -1] {
        assert_eq!(run.load(&model, encoding, 0), Err(2), "encoding {encoding}");
    }
    // It is none of these.
    for encoding in [2, 4] {
        assert_eq!(run.load(&model, encoding, 0), Err(2), "encoding {encoding}");
    }
    assert_eq!((run.load(&model, ONNX, 1), run.load(&model, ONNX, 2)), (Err(6), Err(6)));
    assert_eq!(run.load(&model, ONNX, 4), Err(1));
    assert!(run.load(&model, ONNX, 3).is_ok());
    assert_eq!(run.load(b"nothing that is a model", 5, 0), Err(2));
    assert_eq!(run.load(b"", ONNX, 0), Err(2));
    assert_eq!(run.load(&model[..model.len() - 3], ONNX, 0), Err(2));
    let [ptr, len] = run.put(DATA, &model);
    let part = words(&[ptr as u32, len as u32]);
    run.put(RECORD, &part.repeat(20));
    for (parts, errno) in [(0, 1), (2, 1), (17, 1)] {
        run.is("load", &[RECORD as i64, parts, ONNX, 0, OUT as i64], errno);
    }
}

#[test]
fn handles_name_what_they_were_given_for() {
    let mut run = run();
    let graph = run.load(&sum(&[2]), ONNX, 0).unwrap();
    run.is("init_execution_context", &[graph, OUT as i64], 0);
    let context = i64::from(run.u32_at(OUT));
    for stranger in [0, graph + 1, -1, i64::from(i32::MAX)] {
        run.is("init_execution_context", &[stranger, OUT as i64], 1).is("compute", &[stranger], 1);
        run.is("unload", &[stranger], 1).is("finalize_execution_context", &[stranger], 1);
        assert_eq!(run.input(stranger, 0, F32_TYPE, &[2], &[0; 8]), 1);
        run.is("get_output", &[stranger, 0, RESULT as i64, 8, OUT as i64], 1);
    }
    run.is("unload", &[graph], 0).is("unload", &[graph], 1).is("init_execution_context", &[graph, OUT as i64], 1);
    // Its context goes on.
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.is("compute", &[context], 0);
    run.is("finalize_execution_context", &[context], 0).is("compute", &[context], 1);
    assert_ne!(run.load(&sum(&[2]), ONNX, 0), Ok(graph));
    // No more than there is room for.
    let graph = run.load(&sum(&[2]), ONNX, 0).unwrap();
    for _ in 0..HANDLES {
        run.is("init_execution_context", &[graph, OUT as i64], 0);
    }
    run.is("init_execution_context", &[graph, OUT as i64], 7);
}

#[test]
fn inputs_are_what_the_model_takes() {
    let mut run = run();
    let context = run.ready(&sum(&[2]), ONNX);
    // Index, type, dimensions, bytes.
    assert_eq!(run.input(context, 1, F32_TYPE, &[2], &[0; 8]), 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[3], &[0; 12]), 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2, 1], &[0; 8]), 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 7]), 1);
    assert_eq!(run.input(context, 0, 4, &[2], &[0; 8]), 1);
    assert_eq!(run.input(context, 0, 6, &[2], &[0; 8]), 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[1; 17], &[0; 4]), 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[u32::MAX, u32::MAX], &[0; 4]), 1);
    run.is("compute", &[context], 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.is("get_output", &[context, 0, RESULT as i64, 8, OUT as i64], 1);
    run.is("compute", &[context], 0);
    run.is("get_output", &[context, 1, RESULT as i64, 8, OUT as i64], 1);
}

#[test]
fn a_small_buffer_is_left_alone() {
    let mut run = run();
    let context = run.ready(&sum(&[2]), ONNX);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.is("compute", &[context], 0);
    run.put(RESULT, &[7; 8]);
    run.put(OUT, &[9; 4]);
    run.is("get_output", &[context, 0, RESULT as i64, 7, OUT as i64], 7);
    assert_eq!(run.memory()[RESULT..][..8], [7; 8]);
    assert_eq!(run.memory()[OUT..][..4], [9; 4]);
    run.is("get_output", &[context, 0, RESULT as i64, 8, OUT as i64], 0);
}

#[test]
fn pointers_are_checked_before_anything_happens() {
    let mut run = run();
    let model = sum(&[2]);
    let context = run.ready(&model, ONNX);
    let graph = run.load(&model, ONNX, 0).unwrap();
    let (end, at) = (SIZE, OUT as i64);
    run.is("load", &[end - 7, 1, ONNX, 0, at], 3).is("load", &[RECORD as i64, 1, ONNX, 0, end - 3], 3);
    run.is("load", &[RECORD as i64, -1, ONNX, 0, at], 3);
    run.put(RECORD, &words(&[end as u32 - 1, 2]));
    run.is("load", &[RECORD as i64, 1, ONNX, 0, at], 3);
    run.is("load_by_name", &[end - 1, 2, at], 3).is("load_by_name", &[0, 1, end - 3], 3);
    run.is("load_by_name_with_config", &[0, 1, end, 1, at], 3).is("load_by_name_with_config", &[0, 1, 0, 0, end], 3);
    run.is("init_execution_context", &[graph, end - 3], 3);
    run.is("set_input", &[context, 0, end - 19], 3);
    for place in [0, 3] {
        let mut record = words(&[RECORD as u32, 1, 1, DATA as u32, 8]);
        record[place * 4..][..4].copy_from_slice(&(end as u32 - 1).to_le_bytes());
        run.put(RECORD, &record);
        run.is("set_input", &[context, 0, RECORD as i64], 3);
    }
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.is("compute", &[context], 0);
    run.put(RESULT, &[7; 8]);
    run.is("get_output", &[context, 0, end - 7, 8, at], 3).is(
        "get_output",
        &[context, 0, RESULT as i64, 8, end - 3],
        3,
    );
    assert_eq!(run.memory()[RESULT..][..8], [7; 8]);
    run.is("get_output_single", &[context, 0, end, 1, at], 3);
}

#[test]
fn models_by_name_are_those_that_are_granted() {
    let folder = folder("nn_wasi_nn");
    let file = folder.join("sum.onnx");
    std::fs::write(&file, sum(&[2])).unwrap();
    let grant = |name: &str| Model {
        name: name.into(),
        file: file.clone(),
        digest: None,
        encoding: "autodetect".into(),
        target: "cpu".into(),
        backend: None,
    };
    let digest = Digest::of(&sum(&[2]));
    let models = vec![
        Model { digest: Some(digest), ..grant("sum") },
        Model { digest: Some(Digest([7; 32])), ..grant("other") },
        Model { target: "gpu".into(), ..grant("gpu") },
        Model { encoding: "tengine".into(), ..grant("tengine") },
        Model { file: folder.join("none"), ..grant("none") },
    ];
    let grants = Grants { models, ..Grants::default() };
    let shared = Arc::new(Models::default());
    let mut run = Run::of(WASI_NN, grants.clone(), shared.clone(), |nn| nn);
    let mut load = |name: &str| {
        let [ptr, len] = run.put(NAMES, name.as_bytes());
        (run.call("load_by_name", &[ptr, len, OUT as i64]).unwrap(), run.log())
    };
    assert_eq!(load("sum"), (0, String::new()));
    for (name, errno) in [("missing", 8), ("other", 5), ("gpu", 6), ("tengine", 2), ("none", 5), ("sum\0", 8)] {
        let (got, log) = load(name);
        assert_eq!(got, errno, "{name}");
        let refused = format!("refused: load_by_name({name:?}); it takes --nn-model NAME=FILE, [[model]]");
        assert!(log.contains(&refused), "{log}");
    }
    assert_eq!(load(&"x".repeat(5_000)).0, 1);
    // Models that the guest brings are another grant.
    assert_eq!(run.load(&sum(&[2]), ONNX, 0), Err(6));
    assert!(run.log().contains("--nn-own-models"), "{}", run.log());
    // With options that are none, and others.
    let [ptr, len] = run.put(NAMES, b"sum{}");
    run.is("load_by_name_with_config", &[ptr, len - 2, ptr + 3, 2, OUT as i64], 0);
    run.is("load_by_name_with_config", &[ptr, len - 2, ptr, 3, OUT as i64], 6);
    // It is read once: another instance finds it when the file is gone.
    std::fs::remove_file(&file).unwrap();
    let mut second = Run::of(WASI_NN, grants, shared, |nn| nn);
    let [ptr, len] = second.put(NAMES, b"sum");
    second.is("load_by_name", &[ptr, len, OUT as i64], 0);
}

#[test]
fn the_older_numbers_of_types_and_errors() {
    let mut run = Run::of(WASI_NN, own(), Arc::default(), |nn| nn.with_old_types(true));
    let context = run.ready(&sum(&[2]), ONNX);
    assert_eq!(run.input(context, 0, 4, &[2], &[0; 8]), 1);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.is("compute", &[context], 0);
    run.is("get_output", &[context, 0, RESULT as i64, 7, OUT as i64], 3);
    assert_eq!(run.load(&sum(&[2]), ONNX, 1), Err(1));
    let [ptr, len] = run.put(NAMES, b"none");
    run.is("load_by_name", &[ptr, len, OUT as i64], 1);
}

#[test]
fn nothing_gives_words_one_by_one() {
    let mut run = run();
    let context = run.ready(&sum(&[2]), ONNX);
    run.is("compute_single", &[context], 6).is("fini_single", &[context], 6);
    run.is("get_output_single", &[context, 0, RESULT as i64, 8, OUT as i64], 6);
    run.is("compute_single", &[context + 1], 1);
}

/// `y = a b`, for square matrices.
fn product(side: i64) -> Vec<u8> {
    onnx(tract_onnx::pb::GraphProto {
        name: "product".into(),
        node: vec![operator("MatMul", &["a", "b"], "y")],
        input: vec![value("a", F32, &[side, side]), value("b", F32, &[side, side])],
        output: vec![value("y", F32, &[side, side])],
        ..Default::default()
    })
}

#[test]
fn a_run_is_paid_by_its_multiplications_before_it_begins() {
    let free = Price { call: 0, kib: 0 };
    let prices = Prices { nn: free, model: free, inference: Inference(1_000), ..Prices::default() };
    let ready = || {
        let mut run = Run::new(WASI_NN, Grants { prices, ..own() });
        let context = run.ready(&product(128), ONNX);
        for input in 0..2 {
            assert_eq!(run.input(context, input, F32_TYPE, &[128, 128], &[0; 1 << 16]), 0);
        }
        (run, context)
    };
    // 128^3 multiplications, and some elements: three millions are begun. The guest's own operators cost a little, too.
    let (mut run, context) = ready();
    run.set_gas(2_999);
    assert!(matches!(run.call("compute", &[context]), Err(Error::Trap(Trap::OutOfGas))));
    let (mut run, context) = ready();
    run.set_gas(3_010);
    run.is("compute", &[context], 0);
    assert!(run.store.meter().left().0 <= 10);
    assert_eq!(run.output(context, 0), [0; 1 << 16]);
}

#[test]
fn each_function_costs() {
    let prices = Prices { nn: Price { call: 1_000, kib: 100_000 }, ..Prices::default() };
    each_call_costs(WASI_NN, &Grants { prices, ..own() });
    let mut run = Run::new(WASI_NN, Grants { prices, ..own() });
    let context = run.ready(&sum(&[2]), ONNX);
    run.set_gas(50_000);
    run.put(RECORD, &words(&[RECORD as u32 + 64, 1, 1, DATA as u32, 8]));
    run.put(RECORD + 64, &words(&[2]));
    // The bytes of the input.
    let spent = run.call("set_input", &[context, 0, RECORD as i64]);
    assert!(matches!(spent, Err(Error::Trap(Trap::OutOfGas))));
}

#[test]
fn memory_is_bounded() {
    // 2 MiB beside the guest's own memory.
    let mut run = Run::new(WASI_NN, limits(Limits { pages: Some(32), ..Limits::default() }));
    let context = run.ready(&product(512), ONNX);
    let megabyte = vec![0; 1 << 20];
    assert_eq!(run.input(context, 0, F32_TYPE, &[512, 512], &megabyte), 0);
    // The second input leaves nothing for the result, if it fits at all.
    match run.input(context, 1, F32_TYPE, &[512, 512], &megabyte) {
        7 => {}
        errno => {
            assert_eq!(errno, 0);
            run.is("compute", &[context], 7);
        }
    }
    // What is given up is there again.
    run.is("finalize_execution_context", &[context], 0);
    let context = run.ready(&sum(&[2]), ONNX);
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.is("compute", &[context], 0);
}

#[test]
fn nobody_waits_when_the_time_is_up() {
    let mut run = Run::new(WASI_NN, limits(Limits { milliseconds: Some(0), ..Limits::default() }));
    let [ptr, len] = run.put(DATA, &sum(&[2]));
    run.put(RECORD, &words(&[ptr as u32, len as u32]));
    let ended = run.call("load", &[RECORD as i64, 1, ONNX, 0, OUT as i64]);
    assert!(matches!(ended, Err(Error::Halt(gristmill::Halt::TimedOut))), "{ended:?}");
}

#[test]
fn a_run_ends_with_the_time() {
    let file = folder("nn_time").join("chain.onnx");
    std::fs::write(&file, chain()).unwrap();
    ends_in_time(granted(&file, None), Arc::default());
}

#[test]
fn a_back_end_is_named_by_the_grant() {
    let file = folder("nn_backend").join("sum.onnx");
    std::fs::write(&file, sum(&[2])).unwrap();
    let models = Models::default();
    assert!(models.granted(&granted(&file, Some("tract"))).is_ok());
    let missing = models.granted(&granted(&file, Some("onnxruntime"))).map(drop);
    let why = r#"there is no back end "onnxruntime" among ["tract"]"#;
    assert_eq!(missing, Err(Failure::Unsupported(why.into())));
    // And to a guest.
    let grants = Grants { models: vec![granted(&file, Some("onnxruntime"))], ..Grants::default() };
    let mut run = Run::of(WASI_NN, grants, Arc::new(models), |nn| nn);
    let [ptr, len] = run.put(NAMES, b"model");
    run.is("load_by_name", &[ptr, len, OUT as i64], 6);
    assert!(run.log().contains("refused: load_by_name(\"model\")"), "{}", run.log());
}

#[test]
fn contracts_cannot_import_it() {
    let engine = Engine::new(Config::new().profile(Profile::chain1())).unwrap();
    let contracts = Ewasm::new(&engine, Options::default());
    for row in Nn::rows() {
        let later = [row.module, row.name].map(|name| name.replacen("ssvm_", "wasmedge_", 1));
        for (module, name) in [(row.module, row.name), (&later[0], &later[1])] {
            // One by one: each alone is refused, by the rules, before anything is linked.
            let error = contracts.load(&contract(module, name, row)).unwrap_err().to_string();
            assert!(error.contains("is not a function of the interface"), "{module}.{name}: {error}");
        }
    }
}
