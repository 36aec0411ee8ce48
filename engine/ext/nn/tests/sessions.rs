//! TensorFlow's sessions in all of their generations, through guests.

mod common;

use common::*;
use gristmill::{Error, Trap};
use gristmill_ext_grants::{Grants, Price, Prices};

const SSVM: Names = Names::with("ssvm_tensorflow", "ssvm_tensorflow_");
const SSVM_LITE: Names = Names::with("ssvm_tensorflowlite", "ssvm_tensorflowlite_");
const WASMEDGE: Names = Names { as_module: "wasmedge_tensorflow", as_prefix: "wasmedge_tensorflow_", ..SSVM };
const WASMEDGE_LITE: Names =
    Names { as_module: "wasmedge_tensorflowlite", as_prefix: "wasmedge_tensorflowlite_", ..SSVM_LITE };
const LATER: Names = Names::plain("wasmedge_tensorflow");
const LATER_LITE: Names = Names::plain("wasmedge_tensorflowlite");

fn name(run: &mut Run, name: &str) -> [i64; 2] {
    run.put(NAMES, name.as_bytes())
}

/// Where names lie in memory: of the input, of the output, and of nothing.
fn lite_parts(run: &mut Run) -> [[i64; 2]; 3] {
    let (x, y) = lite_names();
    [run.put(NAMES, x.as_bytes()), run.put(NAMES + 256, y.as_bytes()), run.put(NAMES + 512, b"nothing")]
}

/// Appends an input of the older form.
fn append(run: &mut Run, session: i64, input: &str, dims: &[i64], ty: i64, bytes: &[u8]) {
    let [ptr, len] = name(run, input);
    let words: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
    let [at, _] = run.put(RECORD, &words);
    let [data, data_len] = run.put(DATA, bytes);
    run.call("append_input", &[session, ptr, len, 0, at, dims.len() as i64, ty, data, data_len]).unwrap();
}

#[test]
fn a_frozen_graph_gives_its_sum_by_both_older_names() {
    for names in [SSVM, WASMEDGE] {
        let mut run = Run::new(names, own());
        let [ptr, len] = run.put(DATA, &frozen(&[-1, 2]));
        let session = run.call("create_session", &[ptr, len]).unwrap();
        assert!(session > 0, "{:?}", run.store.data().failure());
        append(&mut run, session, "x", &[2, 2], 1, &bytes(&[1.0, 2.0, 3.0, 4.0]));
        let [ptr, len] = name(&mut run, "y");
        run.call("append_output", &[session, ptr, len, 0]).unwrap();
        // Not before it is run.
        run.is("get_output_tensor", &[session, ptr, len, 0], 0).is("run_session", &[session], 0);
        let tensor = run.call("get_output_tensor", &[session, ptr, len, 0]).unwrap();
        run.is("get_output_tensor", &[session, ptr, len, 0], tensor).is(
            "get_output_tensor",
            &[session, ptr, len, 1],
            0,
        );
        run.is("get_tensor_len", &[tensor], 16).call("get_tensor_data", &[tensor, RESULT as i64]).unwrap();
        assert_eq!(run.floats(RESULT, 4), [2.0, 12.0, 4.0, 14.0]);
        // The next run releases it.
        run.is("run_session", &[session], 0).is("get_tensor_len", &[tensor], 0);
        run.call("clear_input", &[session]).unwrap();
        run.is("run_session", &[session], 1);
        append(&mut run, session, "x", &[1, 2], 1, &bytes(&[0.0, 0.0]));
        run.is("run_session", &[session], 0);
        run.call("clear_output", &[session]).unwrap();
        run.is("get_output_tensor", &[session, ptr, len, 0], 0);
        run.call("delete_session", &[session]).unwrap();
        run.is("run_session", &[session], 1).call("delete_session", &[0]).unwrap();
    }
}

#[test]
fn what_cannot_be_run_is_told_by_the_run() {
    let mut run = Run::new(SSVM, own());
    let [ptr, len] = run.put(DATA, &frozen(&[2]));
    let session = run.call("create_session", &[ptr, len]).unwrap();
    let [ptr, len] = name(&mut run, "y");
    run.call("append_output", &[session, ptr, len, 0]).unwrap();
    let two = bytes(&[1.0, 2.0]);
    // A name of nothing; of something that is no input; a type that nobody has; bytes that are not as many; a dimension below 0.
    for (input, dims, ty, data) in [
        ("z", &[2][..], 1, &two[..]),
        ("y", &[2], 1, &two),
        ("x", &[2], 7, &two),
        ("x", &[2], 1, &two[..7]),
        ("x", &[-2], 1, &two),
        ("x", &[2], 3, &two),
        ("x", &[3], 1, &[0; 12]),
    ] {
        append(&mut run, session, input, dims, ty, data);
        run.is("run_session", &[session], 1);
        run.call("clear_input", &[session]).unwrap();
    }
    append(&mut run, session, "x", &[2], 1, &two);
    append(&mut run, session, "x", &[2], 1, &two);
    run.is("run_session", &[session], 1);
    run.call("clear_input", &[session]).unwrap();
    append(&mut run, session, "x", &[2], 1, &two);
    run.is("run_session", &[session], 0);
    let [ptr, len] = name(&mut run, "nothing");
    run.call("append_output", &[session, ptr, len, 0]).unwrap();
    run.is("run_session", &[session], 1);
}

#[test]
fn a_lite_model_gives_its_sum_by_both_older_names() {
    for names in [SSVM_LITE, WASMEDGE_LITE] {
        let mut run = Run::new(names, own());
        let [ptr, len] = run.put(DATA, &lite());
        let session = run.call("create_session", &[ptr, len]).unwrap();
        assert!(session > 0, "{:?}", run.store.data().failure());
        run.is("run_session", &[session], 1);
        let [x, y, z] = lite_parts(&mut run);
        let [data, data_len] = run.put(DATA, &bytes(&[1.0, 2.5]));
        run.call("append_input", &[session, x[0], x[1], data, data_len]).unwrap();
        run.is("run_session", &[session], 0);
        let tensor = run.call("get_output_tensor", &[session, y[0], y[1]]).unwrap();
        run.is("get_tensor_len", &[tensor], 8).call("get_tensor_data", &[tensor, RESULT as i64]).unwrap();
        assert_eq!(run.floats(RESULT, 2), [2.0, 5.0]);
        // A wrong size, and a name of nothing, fail the next run and no other.
        for (name, len) in [(x, 7), (z, 8)] {
            run.call("append_input", &[session, name[0], name[1], data, len]).unwrap();
            run.is("run_session", &[session], 1).is("run_session", &[session], 0);
        }
        run.is("get_output_tensor", &[session, z[0], z[1]], 0);
        run.call("delete_session", &[session]).unwrap();
        run.is("get_tensor_len", &[tensor], 0);
    }
}

#[test]
fn later_functions_answer_error_numbers() {
    let mut run = Run::new(LATER, own());
    let out = OUT as i64;
    let [ptr, len] = run.put(DATA, &frozen(&[2]));
    run.is("create_session", &[ptr, len - 1, out], 2).is("create_session", &[ptr, len, out], 0);
    let session = i64::from(run.u32_at(OUT));
    let [at, dims_len] = run.put(RECORD, &2_i64.to_le_bytes());
    let dims = dims_len / 8;
    let [data, data_len] = run.put(DATA, &bytes(&[1.0, 2.0]));
    let [x, _] = name(&mut run, "x:0y:0z");
    run.is("append_input", &[session, x, 3, at, dims, 1, data, data_len - 1], 1);
    run.is("append_input", &[session, x, 3, at, dims, 1, data, data_len], 0);
    run.is("append_output", &[session, x + 3, 3], 0).is("get_output_tensor", &[session, x + 3, 3, out], 1);
    run.is("run_session", &[session], 0).is("run_session", &[session + 1], 1);
    // With the slot or without.
    run.is("get_output_tensor", &[session, x + 3, 1, out], 0);
    let tensor = i64::from(run.u32_at(OUT));
    run.is("get_output_tensor", &[session, x + 3, 3, out], 0);
    assert_eq!(i64::from(run.u32_at(OUT)), tensor);
    run.is("get_tensor_len", &[session, tensor, out], 0).is("get_tensor_len", &[session, tensor + 1, out], 1);
    assert_eq!(run.u32_at(OUT), 8);
    run.put(RESULT, &[7; 8]);
    run.is("get_tensor_data", &[session, tensor, RESULT as i64, 7, out], 3);
    assert_eq!(run.memory()[RESULT..][..8], [7; 8]);
    run.is("get_tensor_data", &[session, tensor, RESULT as i64, 8, out], 0);
    assert_eq!(run.floats(RESULT, 2), [2.0, 12.0]);
    run.is("clear_input", &[session], 0).is("clear_output", &[session], 0).is("run_session", &[session], 0);
    run.is("create_session_saved_model", &[x, 1, 0, 0, out], 2);
    run.is("delete_session", &[session], 0).is("delete_session", &[session], 1).is("clear_input", &[session], 1);
    run.is("clear_output", &[session], 1).is("append_output", &[session, x, 1], 1);
}

#[test]
fn later_lite_functions_answer_error_numbers() {
    let mut run = Run::new(LATER_LITE, own());
    let out = OUT as i64;
    let [ptr, len] = run.put(DATA, &lite());
    run.is("create_session", &[ptr, len, out], 0);
    let session = i64::from(run.u32_at(OUT));
    let [x, y, z] = lite_parts(&mut run);
    let [data, len] = run.put(DATA, &bytes(&[1.0, 2.5]));
    run.is("run_session", &[session], 1).is("append_input", &[session, z[0], z[1], data, len], 1);
    run.is("append_input", &[session, x[0], x[1], data, len - 1], 1);
    run.is("append_input", &[session, x[0], x[1], data, len], 0);
    run.is("run_session", &[session], 0).is("get_output_tensor", &[session, y[0], y[1], out], 0);
    let tensor = i64::from(run.u32_at(OUT));
    run.is("get_tensor_len", &[session, tensor, out], 0).is(
        "get_tensor_data",
        &[session, tensor, RESULT as i64, 8, out],
        0,
    );
    assert_eq!(run.floats(RESULT, 2), [2.0, 5.0]);
    run.is("delete_session", &[session], 0).is("get_tensor_len", &[session, tensor, out], 1);
}

/// Functions of an interface, and for each pointer of theirs the arguments that make it wrong.
fn pointers(later: bool) -> Vec<(&'static str, Vec<i64>)> {
    let (bad, at) = (SIZE - 1, NAMES as i64);
    match later {
        false => vec![
            ("create_session", vec![bad, 2]),
            ("get_output_tensor", vec![1, bad, 2, 0]),
            ("append_input", vec![1, bad, 2, 0, at, 1, 1, at, 4]),
            ("append_input", vec![1, at, 1, 0, bad, 1, 1, at, 4]),
            ("append_input", vec![1, at, 1, 0, at, -1, 1, at, 4]),
            ("append_output", vec![1, bad, 2, 0]),
        ],
        true => vec![
            ("create_session", vec![bad, 2, at]),
            ("create_session", vec![at, 2, bad]),
            ("create_session_saved_model", vec![bad, 2, 0, 0, at]),
            ("get_output_tensor", vec![1, bad, 2, at]),
            ("get_output_tensor", vec![1, at, 2, bad]),
            ("get_tensor_len", vec![1, 1, bad]),
            ("get_tensor_data", vec![1, 1, bad, 2, at]),
            ("get_tensor_data", vec![1, 1, at, 2, bad]),
            ("append_input", vec![1, bad, 2, at, 1, 1, at, 4]),
            ("append_input", vec![1, at, 1, bad, 1, 1, at, 4]),
            ("append_output", vec![1, bad, 2]),
        ],
    }
}

#[test]
fn pointers_outside_of_memory() {
    for (name, args) in pointers(false) {
        let answer = Run::new(SSVM, own()).call(name, &args);
        assert!(matches!(answer, Err(Error::Trap(Trap::InvalidMemoryAccess))), "{name} {args:?} {answer:?}");
    }
    for (name, args) in pointers(true) {
        Run::new(LATER, own()).is(name, &args, 3);
    }
    // A tensor that reaches beyond.
    let mut run = Run::new(SSVM_LITE, own());
    let [ptr, len] = run.put(DATA, &lite());
    let session = run.call("create_session", &[ptr, len]).unwrap();
    let [x, y, _] = lite_parts(&mut run);
    run.put(DATA, &[0; 8]);
    let beyond = run.call("append_input", &[session, x[0], x[1], SIZE - 7, 8]);
    assert!(matches!(beyond, Err(Error::Trap(Trap::InvalidMemoryAccess))), "{beyond:?}");
    run.call("append_input", &[session, x[0], x[1], DATA as i64, 8]).unwrap();
    run.is("run_session", &[session], 0);
    let tensor = run.call("get_output_tensor", &[session, y[0], y[1]]).unwrap();
    let beyond = run.call("get_tensor_data", &[tensor, SIZE - 7]);
    assert!(matches!(beyond, Err(Error::Trap(Trap::InvalidMemoryAccess))));
}

#[test]
fn without_the_grant_there_are_no_sessions() {
    for (names, model) in [(SSVM, frozen(&[2])), (SSVM_LITE, lite())] {
        let mut run = Run::new(names, Grants::default());
        let [ptr, len] = run.put(DATA, &model);
        run.is("create_session", &[ptr, len], 0).is("run_session", &[0], 1);
        assert!(run.log().contains("it takes --nn-own-models, own_models = true"), "{}", run.log());
    }
    for (names, model) in [(LATER, frozen(&[2])), (LATER_LITE, lite())] {
        let mut run = Run::new(names, Grants::default());
        let [ptr, len] = run.put(DATA, &model);
        run.is("create_session", &[ptr, len, OUT as i64], 5);
        assert!(run.log().contains("--nn-own-models"));
    }
}

#[test]
fn sessions_of_one_interface_are_not_those_of_another() {
    let mut run = Run::new(LATER_LITE, own());
    let [ptr, len] = run.put(DATA, &frozen(&[2]));
    run.is("create_session", &[ptr, len, OUT as i64], 2);
    let mut run = Run::new(SSVM, own());
    let [ptr, len] = run.put(DATA, &lite());
    run.is("create_session", &[ptr, len], 0);
    for stranger in [1, -1, 1 << 32, i64::MAX] {
        run.is("run_session", &[stranger], 1).is("get_tensor_len", &[stranger], 0);
        run.put(RESULT, &[7; 4]);
        run.call("get_tensor_data", &[stranger, RESULT as i64]).unwrap();
        assert_eq!(run.memory()[RESULT..][..4], [7; 4]);
        run.call("clear_input", &[stranger]).unwrap();
        run.call("clear_output", &[stranger]).unwrap();
        run.call("delete_session", &[stranger]).unwrap();
    }
}

#[test]
fn each_function_costs() {
    for names in [SSVM, SSVM_LITE, LATER, LATER_LITE] {
        let prices = Prices { nn: Price { call: 1_000, kib: 0 }, ..Prices::default() };
        each_call_costs(names, &Grants { prices, ..own() });
    }
    // A model, by its bytes.
    let prices = Prices { model: Price { call: 0, kib: 1_000_000 }, ..Prices::default() };
    let mut run = Run::new(SSVM, Grants { prices, ..own() });
    let [ptr, len] = run.put(DATA, &frozen(&[2]));
    run.set_gas(900_000);
    assert!(matches!(run.call("create_session", &[ptr, len]), Err(Error::Trap(Trap::OutOfGas))));
}
