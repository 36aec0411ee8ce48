//! What the tensors of BlazeFace mean, the short-range model of MediaPipe (`face_detection_short_range.tflite`): it looks at a
//! picture of 128 by 128 pixels from 896 places, and says for each how likely a face is there, and where its edges and six
//! points of it are.

/// Pixels of the picture that the model looks at, in each direction.
pub const SIDE: u32 = 128;
/// Name and kind of the input: `[1, SIDE, SIDE, 3]`, red, green and blue from -1 to 1.
pub const INPUT: &str = "input";
/// `[1, 896, 16]`: a box and six points from each place, in pixels.
pub const BOXES: &str = "regressors";
/// `[1, 896, 1]`: how likely a face is there, before the sigmoid.
pub const SCORES: &str = "classificators";

/// Numbers that describe a box and its points.
const NUMBERS: usize = 16;
/// Below this score nothing is a face.
const LIKELY: f32 = 0.5;
/// Boxes that share more than this part of their area are of one face.
const SAME: f32 = 0.3;

/// A face. Lengths and places are parts of the picture's width and height.
#[derive(Clone, Copy)]
pub struct Face {
    pub score: f32,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
    /// Right eye, left eye, nose, mouth, right ear, left ear, as the person has them.
    pub points: [(f32, f32); 6],
}

/// Bytes of a picture as the model wants them.
pub fn input(rgb: &[u8]) -> Vec<f32> {
    rgb.iter().map(|&byte| f32::from(byte) / 127.5 - 1.0).collect()
}

/// Where the model looks from: two places in each of 16 by 16 cells, then six in each of 8 by 8.
fn places() -> impl Iterator<Item = (f32, f32)> {
    [(16, 2), (8, 6)].into_iter().flat_map(|(cells, in_each)| {
        (0..cells * cells * in_each).map(move |index| {
            let cell = index / in_each;
            let middle = |cell: i32| (cell as f32 + 0.5) / cells as f32;
            (middle(cell % cells), middle(cell / cells))
        })
    })
}

/// The faces in the model's answer, the likeliest first.
pub fn faces(boxes: &[f32], scores: &[f32]) -> Vec<Face> {
    let part = |pixels: f32| pixels / SIDE as f32;
    let mut found: Vec<Face> = places()
        .zip(scores)
        .zip(boxes.chunks_exact(NUMBERS))
        .map(|(((x, y), score), numbers)| {
            let (width, height) = (part(numbers[2]), part(numbers[3]));
            let point = |index: usize| (x + part(numbers[4 + 2 * index]), y + part(numbers[5 + 2 * index]));
            Face {
                score: 1.0 / (1.0 + (-score).exp()),
                left: x + part(numbers[0]) - width / 2.0,
                top: y + part(numbers[1]) - height / 2.0,
                width,
                height,
                points: std::array::from_fn(point),
            }
        })
        .filter(|face| face.score >= LIKELY)
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));

    let mut faces = Vec::new();
    while let Some(&best) = found.first() {
        let (same, others): (Vec<Face>, Vec<Face>) = found.iter().partition(|face| overlap(&best, face) > SAME);
        faces.push(Face { score: best.score, ..mean(&same) });
        // A box without an area shares nothing, not even with itself.
        found = if same.is_empty() { found[1..].to_vec() } else { others };
    }
    faces.retain(|face| face.width > 0.0 && face.height > 0.0);
    faces
}

/// The area that two boxes share, as a part of what both cover.
fn overlap(a: &Face, b: &Face) -> f32 {
    let shared = |a: f32, a_size: f32, b: f32, b_size: f32| ((a + a_size).min(b + b_size) - a.max(b)).max(0.0);
    let both = shared(a.left, a.width, b.left, b.width) * shared(a.top, a.height, b.top, b.height);
    let all = a.width * a.height + b.width * b.height - both;
    if all > 0.0 { both / all } else { 0.0 }
}

/// One face from several answers about it, each as heavy as it is likely.
fn mean(faces: &[Face]) -> Face {
    let all: f32 = faces.iter().map(|face| face.score).sum();
    let of = |value: &dyn Fn(&Face) -> f32| faces.iter().map(|face| value(face) * face.score).sum::<f32>() / all;
    Face {
        score: all,
        left: of(&|face| face.left),
        top: of(&|face| face.top),
        width: of(&|face| face.width),
        height: of(&|face| face.height),
        points: std::array::from_fn(|index| (of(&|face| face.points[index].0), of(&|face| face.points[index].1))),
    }
}

/// A line for each face: its score, left, top, width and height, and the two eyes.
pub fn print(faces: &[Face]) {
    for face in faces {
        let [right, left, ..] = face.points;
        println!(
            "score {:.3} box {:.3} {:.3} {:.3} {:.3} eyes {:.3} {:.3} {:.3} {:.3}",
            face.score, face.left, face.top, face.width, face.height, right.0, right.1, left.0, left.1
        );
    }
}
