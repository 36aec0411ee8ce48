//! The functions, a row each: arguments that are fine, and what comes of them.

use crate::common::{NAMES, Names, OUT, RECORD, RESULT, WASI_NN};
use Arg::*;
use Bare::*;
use Works::*;

pub const SSVM: Names = Names::with("ssvm_tensorflow", "ssvm_tensorflow_");
pub const SSVM_LITE: Names = Names::with("ssvm_tensorflowlite", "ssvm_tensorflowlite_");
pub const SSVM_IMAGE: Names = Names::with("ssvm_image", "ssvm_image_");
pub const LATER: Names = Names::plain("wasmedge_tensorflow");
pub const LATER_LITE: Names = Names::plain("wasmedge_tensorflowlite");
pub const LATER_IMAGE: Names = Names::plain("wasmedge_image");

/// Where the data of an input lies, and the name of an output.
pub const INPUT: usize = 1 << 19;
pub const OUTPUT: usize = NAMES + 256;
/// Where the name of the granted model lies.
pub const FACE: usize = NAMES + 512;
/// Where dimensions lie, in 32 bits and in 64, and the record of a tensor.
pub const SHORT: usize = RECORD + 64;
pub const LONG: usize = RECORD + 256;
pub const TENSOR: usize = RECORD + 128;

/// An argument: one parameter, or two.
#[derive(Clone, Copy)]
pub enum Arg {
    /// A number.
    Is(i64),
    /// The address of so many bytes.
    At(usize, i64),
    /// The address of so many bytes, and their number.
    Of(usize, i64),
    /// The address of one thing of so many bytes, and their number, 1.
    One(usize, i64),
    /// Address and length of the model, or the picture.
    Model,
    /// Address and length of a name: of the input, of the output.
    X,
    Y,
    /// What was loaded, what runs it, what came out.
    Graph,
    Session,
    Tensor,
}

/// What a function answers.
#[derive(Clone, Copy)]
pub enum Works {
    Gives(i64),
    /// A handle, which is not 0.
    Handle,
}

/// What it answers in a program to which nothing is granted.
#[derive(Clone, Copy)]
pub enum Bare {
    /// It is what a grant is for: it refuses, and the operator is told.
    Refused(i64),
    /// There is nothing that it could act on: no model was loaded.
    Nothing(i64),
    /// It takes no grant.
    Free,
}

/// What a function refuses for want of memory, or why none does.
pub type Memory = Result<i64, &'static str>;

pub struct Case {
    pub names: Names,
    pub name: &'static str,
    pub args: Vec<Arg>,
    pub works: Works,
    pub bare: Bare,
    pub no_memory: Memory,
}

/// Of memory that is none.
const LOADED: &str = "without memory nothing is loaded that it could act on";
const OPERATORS: &str = "models of the operator are the operator's memory";

fn case(names: Names, name: &'static str, args: impl Into<Vec<Arg>>, works: Works, bare: Bare) -> Case {
    Case { names, name, args: args.into(), works, bare, no_memory: Err(LOADED) }
}

impl Case {
    fn no_memory(self, no_memory: Memory) -> Self {
        Self { no_memory, ..self }
    }
}

const OUT4: Arg = At(OUT, 4);

pub fn table() -> Vec<Case> {
    [wasi_nn(), sessions(), lite_sessions(), later(), later_lite(), pictures()].into_iter().flatten().collect()
}

fn wasi_nn() -> Vec<Case> {
    let case = |name, args: &[Arg], works, bare| case(WASI_NN, name, args, Gives(works), bare);
    let face = Of(FACE, 4);
    vec![
        case("load", &[One(RECORD, 8), Is(1), Is(0), OUT4], 0, Refused(6)).no_memory(Ok(7)),
        case("load_by_name", &[face, OUT4], 0, Refused(8)).no_memory(Err(OPERATORS)),
        case("load_by_name_with_config", &[face, Of(FACE + 4, 2), OUT4], 0, Refused(8)).no_memory(Err(OPERATORS)),
        case("init_execution_context", &[Graph, OUT4], 0, Nothing(1)),
        case("set_input", &[Session, Is(0), At(TENSOR, 20)], 0, Nothing(1)),
        case("compute", &[Session], 0, Nothing(1)),
        case("get_output", &[Session, Is(0), Of(RESULT, 8), OUT4], 0, Nothing(1)),
        case("unload", &[Graph], 0, Nothing(1)),
        case("finalize_execution_context", &[Session], 0, Nothing(1)),
        // Of language models, of which there is none.
        case("compute_single", &[Session], 6, Nothing(1)),
        case("get_output_single", &[Session, Is(0), Of(RESULT, 8), OUT4], 6, Nothing(1)),
        case("fini_single", &[Session], 6, Nothing(1)),
    ]
}

fn sessions() -> Vec<Case> {
    let case = |name, args: &[Arg], works, bare| case(SSVM, name, args, works, bare);
    let input = [Session, X, Is(0), One(LONG, 8), Is(1), Of(INPUT, 8)];
    vec![
        case("create_session", &[Model], Handle, Refused(0)).no_memory(Ok(0)),
        case("delete_session", &[Session], Gives(0), Nothing(0)),
        case("run_session", &[Session], Gives(0), Nothing(1)),
        case("get_output_tensor", &[Session, Y, Is(0)], Handle, Nothing(0)),
        case("get_tensor_len", &[Tensor], Gives(8), Nothing(0)),
        case("get_tensor_data", &[Tensor, At(RESULT, 8)], Gives(0), Nothing(0)),
        case("append_input", &input, Gives(0), Nothing(0)),
        case("append_output", &[Session, Y, Is(0)], Gives(0), Nothing(0)),
        case("clear_input", &[Session], Gives(0), Nothing(0)),
        case("clear_output", &[Session], Gives(0), Nothing(0)),
    ]
}

fn lite_sessions() -> Vec<Case> {
    let case = |name, args: &[Arg], works, bare| case(SSVM_LITE, name, args, works, bare);
    vec![
        case("create_session", &[Model], Handle, Refused(0)).no_memory(Ok(0)),
        case("delete_session", &[Session], Gives(0), Nothing(0)),
        case("run_session", &[Session], Gives(0), Nothing(1)),
        case("get_output_tensor", &[Session, Y], Handle, Nothing(0)),
        case("get_tensor_len", &[Tensor], Gives(8), Nothing(0)),
        case("get_tensor_data", &[Tensor, At(RESULT, 8)], Gives(0), Nothing(0)),
        case("append_input", &[Session, X, Of(INPUT, 8)], Gives(0), Nothing(0)),
    ]
}

fn later() -> Vec<Case> {
    let case = |name, args: &[Arg], works, bare| case(LATER, name, args, Gives(works), bare);
    vec![
        case("create_session", &[Model, OUT4], 0, Refused(5)).no_memory(Ok(5)),
        // A directory of the host: no back end takes one. Its tags are never looked at.
        case("create_session_saved_model", &[X, Is(0), Is(0), OUT4], 2, Nothing(2)),
        case("delete_session", &[Session], 0, Nothing(1)),
        case("run_session", &[Session], 0, Nothing(1)),
        case("get_output_tensor", &[Session, Y, OUT4], 0, Nothing(1)),
        case("get_tensor_len", &[Session, Tensor, OUT4], 0, Nothing(1)),
        case("get_tensor_data", &[Session, Tensor, Of(RESULT, 8), OUT4], 0, Nothing(1)),
        case("append_input", &[Session, X, One(LONG, 8), Is(1), Of(INPUT, 8)], 0, Nothing(1)),
        case("append_output", &[Session, Y], 0, Nothing(1)),
        case("clear_input", &[Session], 0, Nothing(1)),
        case("clear_output", &[Session], 0, Nothing(1)),
    ]
}

fn later_lite() -> Vec<Case> {
    let case = |name, args: &[Arg], works, bare| case(LATER_LITE, name, args, Gives(works), bare);
    vec![
        case("create_session", &[Model, OUT4], 0, Refused(5)).no_memory(Ok(5)),
        case("delete_session", &[Session], 0, Nothing(1)),
        case("run_session", &[Session], 0, Nothing(1)),
        case("get_output_tensor", &[Session, Y, OUT4], 0, Nothing(1)),
        case("get_tensor_len", &[Session, Tensor, OUT4], 0, Nothing(1)),
        case("get_tensor_data", &[Session, Tensor, Of(RESULT, 8), OUT4], 0, Nothing(1)),
        case("append_input", &[Session, X, Of(INPUT, 8)], 0, Nothing(1)),
    ]
}

/// Four pixels of three colours.
fn pictures() -> Vec<Case> {
    let older = [
        ("load_jpg_to_rgb8", 12),
        ("load_jpg_to_bgr8", 12),
        ("load_jpg_to_rgb32f", 48),
        ("load_jpg_to_bgr32f", 48),
        ("load_png_to_rgb8", 12),
        ("load_png_to_bgr8", 12),
        ("load_png_to_rgb32f", 48),
        ("load_png_to_bgr32f", 48),
    ];
    let older =
        older.map(|(name, bytes)| case(SSVM_IMAGE, name, [Model, Is(2), Is(2), At(RESULT, bytes)], Gives(0), Free));
    let later = ["load_jpg", "load_png", "load_image"]
        .map(|name| case(LATER_IMAGE, name, [Model, Is(2), Is(2), Is(0), Of(RESULT, 12)], Gives(0), Free));
    older.into_iter().chain(later).map(|case| case.no_memory(Ok(1))).collect()
}
