//! `gristmill extensions`: what programs may import beyond contracts' interface.

use gristmill::ApiRow;
use serde_json::json;

use crate::output::{Answer, Failure};
use crate::program::{EARLIER, LATER, extensions};

/// List the functions that programs may import, with their types and what grants them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every function can be linked; without its grant it refuses. Contracts (profile chain1) can import none of them. \
`wasi_unstable` has the functions of preview 1, too, and every socket function a name with `_v2` behind it.

Examples:
  gristmill extensions
  gristmill extensions storage --json")]
pub struct Args {
    /// Only this extension: wasi, storage, process, nn
    name: Option<String>,
}

fn signature(row: &ApiRow) -> String {
    let params: Vec<_> = row.params.iter().map(|(name, ty)| format!("{name}: {ty:?}")).collect();
    let result = row.result.map_or(String::new(), |ty| format!(" -> {ty:?}"));
    format!("{}({}){result}", row.name, params.join(", "))
}

/// Runs the command.
///
/// # Errors
/// There is no extension of that name.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let (mut lines, mut listed) = (Vec::new(), Vec::new());
    for extension in extensions().into_iter().filter(|it| args.name.as_deref().is_none_or(|name| name == it.name)) {
        lines.push(format!("{} (granted by {})", extension.name, extension.grants));
        for row in extension.rows {
            lines.push(format!("  {} {}", row.module, signature(row)));
            let alias = row.module.starts_with(EARLIER).then(|| {
                let [module, name] = [row.module, row.name].map(|name| name.replacen(EARLIER, LATER, 1));
                json!({ "module": module, "name": name })
            });
            listed.push(json!({
                "extension": extension.name,
                "module": row.module,
                "name": row.name,
                "params": row.params.iter().map(|(_, ty)| format!("{ty:?}")).collect::<Vec<_>>(),
                "result": row.result.map(|ty| format!("{ty:?}")),
                "aliases": alias.into_iter().collect::<Vec<_>>(),
                "granted_by": extension.grants,
                "docs": row.docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "),
            }));
        }
        for module in extension.also {
            lines.push(format!("  {module}: the same, `{LATER}` in place of `{EARLIER}`"));
        }
    }
    match (&args.name, listed.is_empty()) {
        (Some(name), true) => Err(Failure::usage(format!("there is no extension `{name}`"))),
        _ => Ok(Answer::good(lines.join("\n"), json!({ "functions": listed }))),
    }
}
