//! Vectors, by the names of their operators: lanes as integers of any size, floats as the wider ones.
//!
//! What the engine's rows say is not used here. Sums, products, quotients and roots of f32 are computed on f64 and rounded a
//! second time, which changes nothing: 53 bits are at least 2 * 24 + 2.

/// The bits of a canonical NaN.
const F32_NAN: u128 = 0x7fc0_0000;
const F64_NAN: u128 = 0x7ff8_0000_0000_0000;

/// How a vector is looked at: floats or integers, bits of a lane.
#[derive(Clone, Copy)]
struct Shape {
    float: bool,
    bits: u32,
}

impl Shape {
    /// By its name, such as `i8x16`; all bits together for `v128`.
    fn named(name: &str) -> Self {
        let bits = name[1..].split('x').next().and_then(|bits| bits.parse().ok()).unwrap_or(128);
        Self { float: name.starts_with('f'), bits }
    }

    fn count(self) -> usize {
        128 / self.bits as usize
    }

    /// The lanes' bits, lowest first.
    fn raw(self, vector: u128) -> Vec<u128> {
        let mask = u128::MAX >> (128 - self.bits);
        (0..self.count()).map(|lane| vector >> (lane as u32 * self.bits) & mask).collect()
    }

    fn lanes(self, vector: u128, signed: bool) -> Vec<i128> {
        let unused = 128 - self.bits;
        let wide = |lane: u128| if signed { (lane << unused) as i128 >> unused } else { lane as i128 };
        self.raw(vector).into_iter().map(wide).collect()
    }

    fn floats(self, vector: u128) -> Vec<f64> {
        let wide = |lane: u128| match self.bits {
            32 => f64::from(f32::from_bits(lane as u32)),
            _ => f64::from_bits(lane as u64),
        };
        self.raw(vector).into_iter().map(wide).collect()
    }

    /// The vector of these lanes, cut to their size; lanes that are missing are 0.
    fn pack(self, lanes: impl IntoIterator<Item = i128>) -> u128 {
        let mask = u128::MAX >> (128 - self.bits);
        let at = |index: usize| index as u32 * self.bits;
        lanes.into_iter().enumerate().fold(0, |vector, (index, lane)| vector | (lane as u128 & mask) << at(index))
    }

    fn pack_floats(self, lanes: impl IntoIterator<Item = f64>) -> u128 {
        let narrow = |lane: f64| match self.bits {
            32 if lane.is_nan() => F32_NAN as i128,
            32 => i128::from((lane as f32).to_bits()),
            _ if lane.is_nan() => F64_NAN as i128,
            _ => i128::from(lane.to_bits()),
        };
        self.pack(lanes.into_iter().map(narrow))
    }

    fn clamp(self, value: i128, signed: bool) -> i128 {
        let least = if signed { -1 << (self.bits - 1) } else { 0 };
        let most = if signed { (1 << (self.bits - 1)) - 1 } else { (1 << self.bits) - 1 };
        value.clamp(least, most)
    }
}

/// The value of the operator `name` of `operands` and, behind them, its lane index or lanes.
pub(crate) fn eval(name: &str, operands: &[u128]) -> u128 {
    let (shape, rest) = name.split_once('.').expect("a name has a shape in front");
    if let Some(rest) = rest.strip_prefix("relaxed_") {
        return relaxed(shape, rest, operands);
    }
    let shape = Shape::named(shape);
    let (a, b) = (operands[0], operands.get(1).copied().unwrap_or(0));
    let third = operands.get(2).copied().unwrap_or(0);
    let (plain, signed) = match (rest.strip_suffix("_s"), rest.strip_suffix("_u")) {
        (Some(plain), _) => (plain, true),
        (_, Some(plain)) => (plain, false),
        _ => (rest, false),
    };
    match plain {
        "not" => !a,
        "and" => a & b,
        "andnot" => a & !b,
        "or" => a | b,
        "xor" => a ^ b,
        "bitselect" => a & third | b & !third,
        "any_true" => u128::from(a != 0),
        "shuffle" => {
            let bytes = [a.to_le_bytes(), b.to_le_bytes()].concat();
            u128::from_le_bytes(third.to_le_bytes().map(|at| bytes[usize::from(at)]))
        }
        "swizzle" => {
            let bytes = a.to_le_bytes();
            u128::from_le_bytes(b.to_le_bytes().map(|at| bytes.get(usize::from(at)).copied().unwrap_or(0)))
        }
        "splat" => shape.pack(vec![a as i128; shape.count()]),
        "extract_lane" => {
            let lane = shape.lanes(a, signed)[b as usize];
            if shape.bits == 64 { u128::from(lane as u64) } else { u128::from(lane as u32) }
        }
        "replace_lane" => {
            let mut lanes = shape.lanes(a, false);
            lanes[third as usize] = b as i128;
            shape.pack(lanes)
        }
        "all_true" => u128::from(shape.raw(a).iter().all(|lane| *lane != 0)),
        "bitmask" => {
            let negative = shape.lanes(a, true).into_iter().enumerate();
            negative.map(|(index, lane)| u128::from(lane < 0) << index).sum()
        }
        "shl" | "shr" => {
            let count = b as u32 % shape.bits;
            let shift = |lane: i128| if plain == "shl" { lane << count } else { lane >> count };
            shape.pack(shape.lanes(a, signed).into_iter().map(shift))
        }
        _ if shape.float => float(shape, plain, signed, a, b),
        _ => integer(shape, plain, signed, a, b),
    }
}

/// The deterministic form of a relaxed operator: a strict one, or several.
fn relaxed(shape: &str, rest: &str, operands: &[u128]) -> u128 {
    let strict = |name: &str, operands: &[u128]| eval(&format!("{shape}.{name}"), operands);
    let (a, b) = (operands[0], operands.get(1).copied().unwrap_or(0));
    match rest {
        "madd" => strict("add", &[strict("mul", &[a, b]), operands[2]]),
        "nmadd" => strict("add", &[strict("mul", &[strict("neg", &[a]), b]), operands[2]]),
        "laneselect" => eval("v128.bitselect", operands),
        "q15mulr_s" => strict("q15mulr_sat_s", operands),
        "dot_i8x16_i7x16_s" => {
            let bytes = Shape { float: false, bits: 8 };
            let products = bytes.lanes(a, true).into_iter().zip(bytes.lanes(b, true)).map(|(x, y)| x * y);
            let products: Vec<_> = products.collect();
            let words = Shape { float: false, bits: 16 };
            words.pack(products.chunks(2).map(|pair| words.clamp(pair[0] + pair[1], true)))
        }
        "dot_i8x16_i7x16_add_s" => {
            let sums = eval("i16x8.relaxed_dot_i8x16_i7x16_s", &[a, b]);
            strict("add", &[strict("extadd_pairwise_i16x8_s", &[sums]), operands[2]])
        }
        _ => match rest.strip_prefix("trunc_") {
            Some(from) => strict(&format!("trunc_sat_{from}"), operands),
            None => strict(rest, operands),
        },
    }
}

fn integer(shape: Shape, name: &str, signed: bool, a: u128, b: u128) -> u128 {
    let (wide, half) = (Shape { bits: shape.bits * 2, ..shape }, Shape { bits: shape.bits / 2, ..shape });
    // Half of the lanes of half the width.
    let part = |vector: u128| {
        let mut lanes = half.lanes(vector, signed);
        if name.contains("_high_") { lanes.split_off(shape.count()) } else { lanes.drain(..shape.count()).collect() }
    };
    let sums = |lanes: Vec<i128>| lanes.chunks(2).map(|pair| pair[0] + pair[1]).collect::<Vec<_>>();
    if name.starts_with("narrow_") {
        let lanes = [a, b].into_iter().flat_map(|vector| wide.lanes(vector, true));
        return shape.pack(lanes.map(|lane| shape.clamp(lane, signed)));
    }
    if name.starts_with("extend_") {
        return shape.pack(part(a));
    }
    if name.starts_with("extmul_") {
        return shape.pack(part(a).into_iter().zip(part(b)).map(|(x, y)| x * y));
    }
    if name.starts_with("extadd_pairwise_") {
        return shape.pack(sums(half.lanes(a, signed)));
    }
    if name.starts_with("dot_") {
        let products = half.lanes(a, true).into_iter().zip(half.lanes(b, true)).map(|(x, y)| x * y);
        return shape.pack(sums(products.collect()));
    }
    if let Some(from) = name.strip_prefix("trunc_sat_") {
        // Conversion by `as` clamps to 128 bits, and a NaN becomes 0.
        let signed = signed || name.contains("_s_");
        let floats = Shape::named(&from[..5]).floats(a);
        return shape.pack(floats.into_iter().map(|lane| shape.clamp(lane as i128, signed)));
    }
    if matches!(name, "abs" | "neg" | "popcnt") {
        return shape.pack(shape.lanes(a, true).into_iter().map(|lane| match name {
            "abs" => lane.abs(),
            "neg" => -lane,
            _ => (lane as u8).count_ones().into(),
        }));
    }
    // Signs matter to comparisons alone, and to what clamps.
    let pairs = shape.lanes(a, signed).into_iter().zip(shape.lanes(b, signed));
    shape.pack(pairs.map(|(x, y)| match name {
        "add" => x + y,
        "sub" => x - y,
        "mul" => x.wrapping_mul(y),
        "add_sat" => shape.clamp(x + y, signed),
        "sub_sat" => shape.clamp(x - y, signed),
        "q15mulr_sat" => shape.clamp((x * y + 0x4000) >> 15, true),
        "avgr" => (x + y + 1) / 2,
        "min" => x.min(y),
        "max" => x.max(y),
        "eq" => all_bits(x == y),
        "ne" => all_bits(x != y),
        "lt" => all_bits(x < y),
        "gt" => all_bits(x > y),
        "le" => all_bits(x <= y),
        "ge" => all_bits(x >= y),
        _ => unreachable!("no such operator on integers: {name}"),
    }))
}

fn all_bits(holds: bool) -> i128 {
    -i128::from(holds)
}

fn float(shape: Shape, name: &str, signed: bool, a: u128, b: u128) -> u128 {
    let sign = 1 << (shape.bits - 1);
    let integers = Shape { float: false, bits: 32 };
    match name {
        "abs" => return shape.pack(shape.lanes(a, false).into_iter().map(|lane| lane & !sign)),
        "neg" => return shape.pack(shape.lanes(a, false).into_iter().map(|lane| lane ^ sign)),
        // Straight from the integer: f64 holds every one of these.
        "convert_i32x4" | "convert_low_i32x4" => {
            let lanes = integers.lanes(a, signed).into_iter().take(shape.count());
            return shape.pack_floats(lanes.map(|lane| lane as f64));
        }
        "demote_f64x2_zero" => return shape.pack_floats(Shape { bits: 64, ..shape }.floats(a)),
        "promote_low_f32x4" => return shape.pack_floats(Shape { bits: 32, ..shape }.floats(a).into_iter().take(2)),
        "pmin" | "pmax" | "eq" | "ne" | "lt" | "gt" | "le" | "ge" => {
            let floats = shape.floats(a).into_iter().zip(shape.floats(b));
            let bits = shape.lanes(a, false).into_iter().zip(shape.lanes(b, false));
            return shape.pack(floats.zip(bits).map(|((x, y), (first, second))| match name {
                "pmin" if y < x => second,
                "pmax" if x < y => second,
                "pmin" | "pmax" => first,
                "eq" => all_bits(x == y),
                "ne" => all_bits(x != y),
                "lt" => all_bits(x < y),
                "gt" => all_bits(x > y),
                "le" => all_bits(x <= y),
                _ => all_bits(x >= y),
            }));
        }
        _ => {}
    }
    let pairs = shape.floats(a).into_iter().zip(shape.floats(b));
    shape.pack_floats(pairs.map(|(x, y)| match name {
        "ceil" => x.ceil(),
        "floor" => x.floor(),
        "trunc" => x.trunc(),
        "nearest" => x.round_ties_even(),
        "sqrt" => x.sqrt(),
        "add" => x + y,
        "sub" => x - y,
        "mul" => x * y,
        "div" => x / y,
        "min" | "max" if x.is_nan() || y.is_nan() => f64::NAN,
        // Equal, but zeros may differ in their signs.
        "min" if x == y => {
            if x.is_sign_negative() {
                x
            } else {
                y
            }
        }
        "max" if x == y => {
            if x.is_sign_negative() {
                y
            } else {
                x
            }
        }
        "min" => {
            if x < y {
                x
            } else {
                y
            }
        }
        "max" => {
            if x > y {
                x
            } else {
                y
            }
        }
        _ => unreachable!("no such operator on floats: {name}"),
    }))
}

/// What a load or store does with the bytes, by its name.
pub(crate) struct Access<'a> {
    /// Bits of what is read or written at a time, and how many of these there are.
    bits: u32,
    count: u32,
    /// What becomes of them: `splat`, `zero`, `lane`, `s`, `u`, or nothing.
    how: &'a str,
}

impl<'a> Access<'a> {
    pub(crate) fn named(name: &'a str) -> Self {
        let rest = name.trim_start_matches("v128.load").trim_start_matches("v128.store");
        let (size, how) = rest.split_once('_').unwrap_or((rest, ""));
        let number = |text: &str| text.parse().expect("a width in bits");
        match size.split_once('x') {
            Some((bits, count)) => Self { bits: number(bits), count: number(count), how },
            None if size.is_empty() => Self { bits: 128, count: 1, how },
            None => Self { bits: number(size), count: 1, how },
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.bits * self.count / 8) as usize
    }

    /// The vector that a load of `bits` makes, of `vector` when it replaces a lane of that.
    pub(crate) fn loaded(&self, bits: u128, vector: u128, lane: u8) -> u128 {
        let shape = Shape { float: false, bits: self.bits };
        match self.how {
            "splat" => shape.pack(vec![bits as i128; shape.count()]),
            "lane" => {
                let mut lanes = shape.lanes(vector, false);
                lanes[usize::from(lane)] = bits as i128;
                shape.pack(lanes)
            }
            "s" | "u" => {
                let lanes = shape.lanes(bits, self.how == "s").into_iter().take(self.count as usize);
                Shape { bits: self.bits * 2, ..shape }.pack(lanes)
            }
            _ => bits,
        }
    }

    /// The bits that a store of `vector` writes, or of its lane.
    pub(crate) fn stored(&self, vector: u128, lane: u8) -> u128 {
        if self.how == "lane" { Shape { float: false, bits: self.bits }.raw(vector)[usize::from(lane)] } else { vector }
    }
}
