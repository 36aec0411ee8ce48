//! How Linux is told.

use crate::syscalls;
use crate::{Strength, WallError, Walls};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope, make_bitflags,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use std::path::Path;

/// The Landlock that walls need: Linux 6.2, the first that keeps files from being cut off.
const NEEDED: ABI = ABI::V3;

/// What is taken of later ones where it is there: devices' own calls, signals and abstract sockets of others.
const WANTED: ABI = ABI::V6;

pub fn raise(walls: &Walls, strength: Strength, all_threads: bool) -> Result<Vec<String>, WallError> {
    let mut missing = Vec::new();
    let mut kernel = |what: String| match strength {
        Strength::Whole => Err(WallError::Kernel(what)),
        Strength::BestEffort => {
            missing.push(what);
            Ok(())
        }
    };
    let is_whole = strength == Strength::Whole;
    match ruleset(is_whole) {
        Ok(mut rules) => {
            let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
            let change = make_bitflags!(AccessFs::{
                WriteFile | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSym | Refer | Truncate
            });
            for (paths, access) in
                [(&walls.read, read), (&walls.write, read | change), (&walls.run, read | AccessFs::Execute)]
            {
                for path in paths {
                    rules = allow(rules, path, access).map_err(|why| WallError::Path(path.clone(), why))?;
                }
            }
            match rules.restrict_self() {
                Ok(status) if status.ruleset == RulesetStatus::NotEnforced => kernel("it has no Landlock".into())?,
                Ok(_) => {}
                Err(error) => kernel(format!("Landlock: {error}"))?,
            }
        }
        Err(error) => kernel(format!("Landlock: {error}"))?,
    }
    for filter in filters(walls) {
        let applied = match all_threads {
            true => seccompiler::apply_filter_all_threads(&filter),
            false => seccompiler::apply_filter(&filter),
        };
        if let Err(error) = applied {
            kernel(format!("seccomp: {error}"))?;
        }
    }
    Ok(missing)
}

fn ruleset(is_whole: bool) -> Result<RulesetCreated, landlock::RulesetError> {
    let needed = if is_whole { CompatLevel::HardRequirement } else { CompatLevel::BestEffort };
    Ruleset::default()
        .set_compatibility(needed)
        .handle_access(AccessFs::from_all(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))?
        .create()
}

fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, String> {
    let opened = PathFd::new(path).map_err(|error| error.to_string())?;
    // What only directories have makes no sense for a file.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEEDED) };
    rules.add_rule(PathBeneath::new(opened, access)).map_err(|error| error.to_string())
}

/// The filters of system calls, in the order in which they are to be installed: after the last one none can be.
fn filters(walls: &Walls) -> Vec<BpfProgram> {
    let arch = if cfg!(target_arch = "x86_64") { TargetArch::x86_64 } else { TargetArch::aarch64 };
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let filter = |rules, otherwise, matched| -> BpfProgram {
        let filter = SeccompFilter::new(rules, otherwise, matched, arch).expect("two different actions");
        filter.try_into().expect("as many rules as a filter has room for: they are constant")
    };
    if walls.processes {
        return vec![filter(syscalls::of_administration(walls.network), SeccompAction::Allow, denied)];
    }
    // Its flags are out of a filter's sight. Told that there is none, libraries take `clone`, whose flags are not.
    let no_clone3 = [(libc::SYS_clone3, Vec::new())].into();
    vec![
        filter(no_clone3, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32)),
        filter(syscalls::of_programs(walls.network), denied, SeccompAction::Allow),
    ]
}
