//! The door for what runs models, and what is on both sides of it.

use crate::tensor::{Form, Tensor, Type};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The form of a model. Numbers are wasi-nn's and WasmEdge's; [`Tengine`](Self::Tengine)'s is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Encoding {
    /// OpenVINO: a description and weights.
    OpenVino = 0,
    /// ONNX.
    Onnx = 1,
    /// A frozen graph of TensorFlow.
    TensorFlow = 2,
    /// PyTorch.
    PyTorch = 3,
    /// TensorFlow Lite.
    TensorFlowLite = 4,
    /// As the bytes say.
    Autodetect = 5,
    /// GGML.
    Ggml = 6,
    /// Neural Speed.
    NeuralSpeed = 7,
    /// Burn.
    Burn = 8,
    /// Whisper.
    Whisper = 9,
    /// MLX.
    Mlx = 10,
    /// Piper.
    Piper = 11,
    /// ChatTTS.
    ChatTts = 12,
    /// OpenVINO GenAI.
    OpenVinoGenAi = 13,
    /// BitNet.
    BitNet = 14,
    /// Tengine. No interface between guests and Tengine was ever published, so it has a number outside of the range that
    /// others take theirs from, and its place is a [`Backend`] that lists it: until there is one, loading answers
    /// `invalid_encoding` like any encoding without a back end.
    Tengine = 0x7e46,
}

impl Encoding {
    /// All of them, with what grants and manifests call them.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::OpenVino, "openvino"),
        (Self::Onnx, "onnx"),
        (Self::TensorFlow, "tensorflow"),
        (Self::PyTorch, "pytorch"),
        (Self::TensorFlowLite, "tensorflowlite"),
        (Self::Autodetect, "autodetect"),
        (Self::Ggml, "ggml"),
        (Self::NeuralSpeed, "neuralspeed"),
        (Self::Burn, "burn"),
        (Self::Whisper, "whisper"),
        (Self::Mlx, "mlx"),
        (Self::Piper, "piper"),
        (Self::ChatTts, "chattts"),
        (Self::OpenVinoGenAi, "openvinogenai"),
        (Self::BitNet, "bitnet"),
        (Self::Tengine, "tengine"),
    ];

    /// The one with that number.
    pub fn of_number(number: u32) -> Option<Self> {
        Self::ALL.iter().map(|row| row.0).find(|encoding| *encoding as u32 == number)
    }

    /// The one with that name; case does not count.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1.eq_ignore_ascii_case(name)).map(|row| row.0)
    }

    /// What a model is by its first bytes. A FlatBuffer names its kind; both others are protocol buffers, where the first field tells:
    /// of an ONNX model it is a number or a name, of a graph of TensorFlow a node.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(Self::TensorFlowLite),
            // ir_version, as a varint of one byte; what writes ONNX puts it first.
            [0x08, 1..=0x7f, ..] => Some(Self::Onnx),
            // A node, whose own first field is its name.
            [0x0a, rest @ ..] => {
                let len = rest.iter().take(5).position(|byte| byte & 0x80 == 0)?;
                (rest.get(len + 1) == Some(&0x0a)).then_some(Self::TensorFlow)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = Self::ALL.iter().find(|row| row.0 == *self);
        f.write_str(row.map_or("?", |row| row.1))
    }
}

/// What a model is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Target {
    /// Processors.
    Cpu = 0,
    /// Graphics processors: none.
    Gpu = 1,
    /// Tensor processors: none.
    Tpu = 2,
    /// Whatever there is, which is the processor.
    Auto = 3,
}

impl Target {
    /// The one with that number.
    pub fn of_number(number: u32) -> Option<Self> {
        [Self::Cpu, Self::Gpu, Self::Tpu, Self::Auto].into_iter().find(|target| *target as u32 == number)
    }

    /// The one with that name; case does not count.
    pub fn of_name(name: &str) -> Option<Self> {
        let names = [("cpu", Self::Cpu), ("gpu", Self::Gpu), ("tpu", Self::Tpu), ("auto", Self::Auto)];
        names.iter().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| row.1)
    }

    /// Whether something here is that.
    pub fn is_here(self) -> bool {
        matches!(self, Self::Cpu | Self::Auto)
    }
}

/// Why something of a model does not work. Guests get a number, the operator the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Inputs that are no inputs, a number of something that is not there.
    Argument(String),
    /// No back end takes the encoding, or the bytes are not what it says.
    Encoding(String),
    /// What is asked for is not offered.
    Unsupported(String),
    /// It takes more memory than there is for it.
    TooLarge(String),
    /// There is no model of that name.
    NotFound(String),
    /// The model does not run.
    Runtime(String),
    /// It takes more work than is allowed.
    Spent,
    /// Nobody waits for it any more.
    Cancelled,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, why) = match self {
            Self::Argument(why) => ("invalid argument", why.as_str()),
            Self::Encoding(why) => ("invalid encoding", why.as_str()),
            Self::Unsupported(why) => ("unsupported", why.as_str()),
            Self::TooLarge(why) => ("too large", why.as_str()),
            Self::NotFound(why) => ("not found", why.as_str()),
            Self::Runtime(why) => ("the model does not run", why.as_str()),
            Self::Spent => ("the gas is spent", ""),
            Self::Cancelled => ("the time is up", ""),
        };
        f.write_str(what)?;
        if why.is_empty() { Ok(()) } else { write!(f, ": {why}") }
    }
}

impl std::error::Error for Failure {}

/// Who a model is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator grants it.
    Operator,
    /// The guest brings it: nothing in it is believed.
    Guest,
}

/// Something that runs models.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Its name, for the operator.
    fn name(&self) -> &'static str;

    /// What it takes. Of two back ends that take the same, the first is asked.
    fn encodings(&self) -> &'static [Encoding];

    /// Reads a model.
    ///
    /// # Errors
    /// The bytes are no such model, or more than one part is given; [`Failure::TooLarge`].
    fn load(&self, encoding: Encoding, parts: &[&[u8]], origin: Origin) -> Result<Arc<dyn Graph>, Failure>;
}

/// A model that was read. All instances may share it.
pub trait Graph: fmt::Debug + Send + Sync {
    /// What it takes, in the order of its declaration.
    fn inputs(&self) -> &[Port];

    /// What it gives.
    fn outputs(&self) -> &[Port];

    /// Makes it ready for inputs of these forms. `wanted` are inputs and outputs by name (`name:index` for TensorFlow); without,
    /// they are those of the declaration. The same forms give the same plan again while it is among the last that were asked for.
    ///
    /// # Errors
    /// The model does not take such inputs.
    fn prepare(&self, inputs: &[Form], wanted: Option<&Wanted>) -> Result<Arc<dyn Plan>, Failure>;

    /// Whether `prepare` has only one thing to make, and has made it.
    fn is_ready(&self) -> bool;
}

/// Inputs and outputs by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// What is given.
    pub inputs: Vec<String>,
    /// What is to be computed.
    pub outputs: Vec<String>,
}

/// An input or an output of a model, as far as the model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Option<Type>,
    /// Its dimensions, if their number is known; those that are open are none.
    pub dims: Option<Vec<Option<usize>>>,
}

impl Port {
    /// Whether a tensor of that form fits.
    pub fn takes(&self, form: &Form) -> bool {
        let fits = |dims: &Vec<Option<usize>>| {
            dims.len() == form.dims.len()
                && dims.iter().zip(&form.dims).all(|(dim, it)| dim.is_none_or(|dim| dim == *it))
        };
        self.ty.is_none_or(|ty| ty == form.ty) && self.dims.as_ref().is_none_or(fits)
    }
}

/// A model that is ready for inputs of some forms.
pub trait Plan: fmt::Debug + Send + Sync {
    /// What a run costs, known before it; `None` where that depends on the values of the inputs, and so is only found on the way.
    fn work(&self) -> Option<u64>;

    /// Bytes that a run takes for what is between inputs and outputs, outputs included: an estimate; at least where it is not known.
    fn memory(&self) -> u64;

    /// Runs it. What is not known before is taken from the watch, operator by operator.
    ///
    /// # Errors
    /// Whatever the model does; [`Failure::Spent`], [`Failure::Cancelled`].
    fn run(&self, inputs: &[Arc<Tensor>], watch: &Watch) -> Result<Ran, Failure>;
}

/// What a run has given.
#[derive(Debug)]
pub struct Ran {
    /// One for each output.
    pub outputs: Vec<Tensor>,
    /// What it has cost, of the watch's allowance.
    pub work: u64,
}

/// Who looks at a run from outside.
#[derive(Debug, Default)]
pub struct Watch {
    /// Work that it may do beyond what is known before, in multiplications.
    pub work: u64,
    /// Bytes that it may hold.
    pub memory: u64,
    /// Whether it is to end.
    pub cancelled: Arc<AtomicBool>,
}

impl Watch {
    /// Whether to go on.
    ///
    /// # Errors
    /// [`Failure::Cancelled`].
    pub fn check(&self) -> Result<(), Failure> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Failure::Cancelled) } else { Ok(()) }
    }
}
