//! A flame graph: a bar a place in the tree, as wide as its share, what it called below it. A browser shows it without
//! anything else; a click makes a bar as wide as the picture.

use super::report::By;
use super::{Kind, Report};

/// Width of the picture, of its margins, and height of a bar, in pixels.
const WIDTH: f64 = 1_200.0;
const MARGIN: f64 = 10.0;
const BAR: f64 = 18.0;
/// Where the bars begin, below title and legend, and what is below them.
const TOP: f64 = 62.0;
const BOTTOM: f64 = 34.0;
/// Width of a letter, and the narrowest bar that is drawn.
const LETTER: f64 = 7.25;
const NARROWEST: f64 = 0.15;

/// A bar: its place, and from where to where it goes, in units of what counts.
struct Bar {
    node: usize,
    depth: usize,
    from: i128,
    width: i128,
}

/// Draws `report`.
pub fn draw(report: &Report, by: By, title: &str) -> String {
    let sums = sums(report, by);
    let all: i128 = report.roots.iter().map(|root| sums[*root]).sum();
    let scale = (WIDTH - 2.0 * MARGIN) / all.max(1) as f64;
    let bars = bars(report, &sums);
    let drawn = bars.iter().filter(|bar| bar.width as f64 * scale >= NARROWEST);
    let deepest = drawn.clone().map(|bar| bar.depth + 1).max().unwrap_or(0);
    let height = TOP + deepest as f64 * BAR + BOTTOM;

    let mut svg = format!(
        r##"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">
<style>
text {{ font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1b1b1b; }}
.title {{ font-size: 16px; font-weight: bold; }}
.small {{ fill: #555; }}
.bar {{ cursor: pointer; }}
.bar rect {{ stroke: #fff; stroke-width: 0.5; }}
.bar:hover rect {{ stroke: #000; stroke-width: 1; }}
.bar text {{ pointer-events: none; }}
</style>
<rect width="100%" height="100%" fill="#fcfcfa"/>
<text class="title" x="{MARGIN}" y="22">{}</text>
<text class="small" x="{MARGIN}" y="40">{}</text>
"##,
        escape(title),
        escape(&summary(report, by, all)),
    );
    let kinds = [
        (Kind::Function, "function"),
        (Kind::Host, "host function"),
        (Kind::Message, "message"),
        (Kind::Charge, "charge"),
    ];
    let mut x = MARGIN;
    for (kind, name) in kinds {
        let colour = colour(kind, name);
        svg += &format!(
            "<rect x=\"{x:.1}\" y=\"47\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
             <text class=\"small\" x=\"{:.1}\" y=\"56\">{name}</text>\n",
            x + 14.0
        );
        x += 14.0 + LETTER * name.len() as f64 + 20.0;
    }
    svg += &format!("<text class=\"small\" id=\"detail\" x=\"{MARGIN}\" y=\"{:.1}\">\u{a0}</text>\n", height - 12.0);
    svg += "<g id=\"bars\">\n";
    for bar in drawn {
        let entry = &report.entries[report.nodes[bar.node].entry];
        let (x, width) = (MARGIN + bar.from as f64 * scale, bar.width as f64 * scale);
        let y = TOP + bar.depth as f64 * BAR;
        let own = by.of(report.nodes[bar.node].own);
        let share = bar.width as f64 * 100.0 / all.max(1) as f64;
        let label = escape(&entry.label);
        let (inside, own) = (by.text(bar.width), by.text(own));
        svg += &format!(
            "<g class=\"bar\" data-x=\"{x:.3}\" data-w=\"{width:.3}\" data-y=\"{y:.0}\" data-l=\"{label}\">\
             <title>{label}: {inside} ({share:.2} %), own {own}</title>\
             <rect x=\"{x:.3}\" y=\"{y:.0}\" width=\"{width:.3}\" height=\"{BAR:.0}\" rx=\"1\" fill=\"{}\"/>\
             <text x=\"{:.3}\" y=\"{:.1}\">{}</text></g>\n",
            colour(entry.kind, &entry.label),
            x + 3.0,
            y + 13.0,
            escape(&fit(&entry.label, width)),
        );
    }
    svg += "</g>\n";
    svg += &script();
    svg + "</svg>\n"
}

/// What each place costs with everything below it. Refunds count as nothing: bars have no negative width.
fn sums(report: &Report, by: By) -> Vec<i128> {
    let mut sums: Vec<i128> = report.nodes.iter().map(|node| by.of(node.own).max(0)).collect();
    // A place comes behind the one that it is below.
    for node in (0..sums.len()).rev() {
        sums[node] += report.nodes[node].children.iter().map(|child| sums[*child]).sum::<i128>();
    }
    sums
}

/// Every bar, those that are below others behind these.
fn bars(report: &Report, sums: &[i128]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::with_capacity(sums.len());
    let line = |places: &[usize], depth: usize, mut from: i128, bars: &mut Vec<Bar>| {
        for place in places {
            bars.push(Bar { node: *place, depth, from, width: sums[*place] });
            from += sums[*place];
        }
    };
    line(&report.roots, 0, 0, &mut bars);
    let mut at = 0;
    while at < bars.len() {
        let (node, depth, from) = (bars[at].node, bars[at].depth + 1, bars[at].from);
        line(&report.nodes[node].children, depth, from, &mut bars);
        at += 1;
    }
    bars
}

fn summary(report: &Report, by: By, all: i128) -> String {
    let refunds = report.refunds();
    let refunds = match by {
        By::Gas if refunds < 0 => format!(", {} of it refunded", by.text(-refunds)),
        _ => String::new(),
    };
    format!("{}{refunds}; a click on a bar makes it as wide as the picture, one on the top bar shows all", by.text(all))
}

/// A colour by kind; functions differ by name.
fn colour(kind: Kind, label: &str) -> String {
    // FNV-1a.
    let hash = label.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let (hue, saturation, light) = match kind {
        Kind::Run => (0, 0, 82),
        Kind::Message => (130, 30, 74),
        Kind::Function => (24 + hash % 26, 82, 66 + (hash >> 8) % 8),
        Kind::Host => (205 + hash % 16, 60, 72),
        Kind::Charge => (0, 0, 90),
    };
    format!("hsl({hue},{saturation}%,{light}%)")
}

/// As much of a label as a bar has room for.
fn fit(label: &str, width: f64) -> String {
    let letters = ((width - 6.0) / LETTER).max(0.0) as usize;
    match letters {
        0..=2 => String::new(),
        letters if label.chars().count() <= letters => label.into(),
        letters => label.chars().take(letters - 1).chain(['…']).collect(),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // XML has no other control characters.
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// What a click and the pointer do.
fn script() -> String {
    format!(
        r#"<script><![CDATA[
(function () {{
  var left = {MARGIN}, room = {WIDTH} - 2 * {MARGIN}, letter = {LETTER};
  var bars = Array.prototype.slice.call(document.querySelectorAll(".bar"));
  var detail = document.getElementById("detail");
  function number(bar, name) {{ return parseFloat(bar.getAttribute("data-" + name)); }}
  function show(bar, x, width) {{
    var rect = bar.querySelector("rect"), text = bar.querySelector("text"), label = bar.getAttribute("data-l");
    var letters = Math.floor((width - 6) / letter);
    rect.setAttribute("x", x);
    rect.setAttribute("width", Math.max(width, 0));
    text.setAttribute("x", x + 3);
    text.textContent = letters < 3 ? "" : label.length <= letters ? label : label.slice(0, letters - 1) + "…";
  }}
  function zoom(chosen) {{
    var from = number(chosen, "x"), width = number(chosen, "w"), y = number(chosen, "y"), few = 1e-3;
    bars.forEach(function (bar) {{
      var x = number(bar, "x"), w = number(bar, "w");
      var around = number(bar, "y") < y && x <= from + few && x + w >= from + width - few;
      var inside = x >= from - few && x + w <= from + width + few;
      bar.style.display = around || inside ? "" : "none";
      bar.style.opacity = around ? 0.6 : 1;
      if (around) show(bar, left, room);
      else if (inside) show(bar, left + (x - from) * room / width, w * room / width);
    }});
  }}
  bars.forEach(function (bar) {{
    bar.addEventListener("click", function () {{ zoom(bar); }});
    bar.addEventListener("mouseover", function () {{ detail.textContent = bar.querySelector("title").textContent; }});
  }});
}})();
]]></script>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cut_and_escaped() {
        assert_eq!(fit("transfer", 20.0), "");
        assert_eq!(fit("transfer", 64.0), "transfer");
        assert_eq!(fit("transfer", 50.0), "trans…");
        assert_eq!(escape("a<b> & \"c\"\n"), "a&lt;b&gt; &amp; &quot;c&quot; ");
    }
}
