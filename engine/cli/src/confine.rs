//! `--confine`: walls of the kernel around this process while a program runs.

use std::path::Path;

use clap::ValueEnum;
use gristmill_ext_grants::{Access, Grants};
use gristmill_ext_walls::{Strength, Walls};

use crate::output::Failure;

/// `--confine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfineArg {
    /// All walls, or an error
    Whole,
    /// Those that the kernel has; what is missing is told
    BestEffort,
}

/// Keeps from this process, for good, what the grants do not name. What they name is open by now, or lies within the walls;
/// `written` are places of our own.
///
/// # Errors
/// The kernel has no such walls, and fewer were not asked for.
pub fn confine(how: ConfineArg, grants: &Grants, written: &[&Path]) -> Result<(), Failure> {
    let strength = match how {
        ConfineArg::Whole => Strength::Whole,
        ConfineArg::BestEffort => Strength::BestEffort,
    };
    let missing = walls(grants, written).around_process(strength);
    let missing = missing.map_err(|e| Failure::host(format!("{e} (--confine=best-effort does with what there is)")))?;
    missing.iter().for_each(|what| eprintln!("not confined: {what}"));
    Ok(())
}

fn walls(grants: &Grants, written: &[&Path]) -> Walls {
    let mut walls = Walls { network: !grants.network.is_empty(), ..Walls::default() };
    walls.write.extend(written.iter().map(|path| path.to_path_buf()));
    for directory in &grants.directories {
        let Some(host) = &directory.host else { continue };
        let places = if directory.access == Access::Rw { &mut walls.write } else { &mut walls.read };
        places.push(host.clone());
    }
    walls.read.extend(grants.models.iter().map(|model| model.file.clone()));
    if walls.network {
        // Who names are, and where to ask.
        walls.read.push("/etc".into());
    }
    if grants.commands.is_empty() && !grants.all_commands {
        return walls;
    }
    for command in &grants.commands {
        walls.run.extend(command.path.clone());
        let within = command.walls.iter();
        walls.read.extend(within.clone().flat_map(|walls| walls.read.iter().cloned()));
        walls.write.extend(within.flat_map(|walls| walls.write.iter().cloned()));
    }
    walls.with_system()
}
