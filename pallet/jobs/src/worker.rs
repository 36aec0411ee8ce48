//! The off-chain worker: looks for jobs, runs each once, and sends what it found until the chain has it.

use crate::door::{NotRun, Run, knock};
use crate::*;
use codec::{Decode, Encode};
use frame_system::offchain::SubmitTransaction;
use sp_core::offchain::{Duration, Timestamp};
use sp_runtime::offchain::storage::{MutateStorageError, StorageValueRef};

/// Jobs that one block's call runs at most; other calls run beside it.
const AT_ONCE: usize = 4;
/// How often a node tries a job that does not run to its end.
const TRIES: u32 = 3;
/// How long after its budget of time a run is taken for dead, in milliseconds.
const GRACE: u64 = 10_000;
/// How long a node waits after a run that came to no end, in milliseconds.
const PAUSE: u64 = 30_000;

/// What a node has noted about a round of a job, in its local storage.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
enum Note {
    /// It is at it, or has failed: not again before `until`, and not more often than [`TRIES`].
    Trying { times: u32, until: Timestamp },
    /// It has run; this is what came of it.
    Found(Outcome),
}

/// A round that the node has a note about: so that notes go when rounds do.
type Noted = (JobId, u32, H256);

fn index() -> StorageValueRef<'static> {
    StorageValueRef::persistent(b"gristmill jobs")
}

/// The name of the note about a round. On another fork a job of that number may be another job.
fn note_name<T: Config>(id: JobId, job: &JobOf<T>, input: &[u8]) -> H256 {
    let JobOf::<T> { owner, code_hash, policy, budget, round, .. } = job;
    let what = (Pallet::<T>::genesis(), id, round, owner, code_hash, policy, budget, input);
    sp_io::hashing::blake2_256(&what.encode()).into()
}

/// What one call of the off-chain worker does.
pub(crate) fn work<T: Config>() {
    // Nothing is asked of a node then, not even its keys: one that has no keystore does as well.
    if cfg!(not(feature = "door")) {
        return;
    }
    let local = T::WorkerKey::all();
    let workers = Workers::<T>::iter().filter(|(_, key)| local.contains(key)).collect::<Vec<_>>();
    if workers.is_empty() {
        return;
    }
    forget::<T>();
    let mut runs = 0;
    for id in Queue::<T>::get() {
        let Some(job) = Jobs::<T>::get(id) else { continue };
        let answers = Answers::<T>::get(id);
        let unheard = || workers.iter().filter(|(worker, _)| answers.iter().all(|(heard, _)| heard != worker));
        if unheard().next().is_none() {
            continue;
        }
        let input = Inputs::<T>::get(id);
        let name = note_name::<T>(id, &job, &input);
        let outcome = match claim(name, &job.budget, runs < AT_ONCE) {
            Claim::Found(outcome) => outcome,
            Claim::Others => continue,
            Claim::Ours(times) => {
                runs += 1;
                remember((id, job.round, name));
                let Some(code) = Codes::<T>::get(job.code_hash) else { continue };
                match knock(&Run { code, input, policy: job.policy.clone(), budget: job.budget }) {
                    Ok(outcome) => {
                        StorageValueRef::persistent(name.as_bytes()).set(&Note::Found(outcome.clone()));
                        outcome
                    }
                    Err(NotRun::Shut) => {
                        log::debug!(target: "gristmill", "no jobs are run here: the node has no runner");
                        release(name);
                        return;
                    }
                    Err(reason) => {
                        log::warn!(target: "gristmill", "job {id}, round {}, was not run: {reason:?}", job.round);
                        pause(name, times);
                        continue;
                    }
                }
            }
        };
        for (worker, key) in unheard() {
            answer::<T>(id, job.round, worker, key, &outcome);
        }
    }
}

enum Claim {
    /// It was run before.
    Found(Outcome),
    /// It is not to be tried now: somebody else on this node is at it, it has failed a moment ago, this call has done enough.
    Others,
    /// It is to be run here and now; how often that was tried before.
    Ours(u32),
}

/// Takes the lock of a round, if it may be run now. It is the note itself, compared and set at once, so that no job runs twice on
/// a node.
fn claim(name: H256, budget: &Budget, may_run: bool) -> Claim {
    let now = sp_io::offchain::timestamp();
    let until = now.add(Duration::from_millis(u64::from(budget.milliseconds).saturating_add(GRACE)));
    let mut claim = Claim::Others;
    let taken = StorageValueRef::persistent(name.as_bytes()).mutate(|note: Result<Option<Note>, _>| {
        let times = match note {
            Ok(Some(Note::Found(outcome))) => {
                claim = Claim::Found(outcome);
                return Err(());
            }
            _ if !may_run => return Err(()),
            Ok(Some(Note::Trying { times, until })) if times >= TRIES || now < until => return Err(()),
            Ok(Some(Note::Trying { times, .. })) => times,
            // A note that does not decode is an older node's.
            Ok(None) | Err(_) => 0,
        };
        claim = Claim::Ours(times);
        Ok(Note::Trying { times: times + 1, until })
    });
    match taken {
        Err(MutateStorageError::ConcurrentModification(_)) => Claim::Others,
        _ => claim,
    }
}

/// As if the round had not been claimed.
fn release(name: H256) {
    StorageValueRef::persistent(name.as_bytes()).clear();
}

/// Another try after a while.
fn pause(name: H256, times: u32) {
    let until = sp_io::offchain::timestamp().add(Duration::from_millis(PAUSE));
    StorageValueRef::persistent(name.as_bytes()).set(&Note::Trying { times: times + 1, until });
}

/// Puts a round on the list of those that have notes.
fn remember(noted: Noted) {
    // Who is beaten to it by another block's call leaves a small note behind that nobody reads again.
    let _ = index().mutate(|list: Result<Option<Vec<Noted>>, _>| -> Result<_, ()> {
        let mut list = list.ok().flatten().unwrap_or_default();
        if !list.contains(&noted) {
            list.push(noted);
        }
        Ok(list)
    });
}

/// Drops notes of rounds that are over.
fn forget<T: Config>() {
    let list = index().get::<Vec<Noted>>().ok().flatten().unwrap_or_default();
    let is_over =
        |(id, round, _): &Noted| Jobs::<T>::get(id).is_none_or(|job| job.kept_until.is_some() || job.round != *round);
    let over = list.into_iter().filter(is_over).collect::<Vec<_>>();
    if over.is_empty() {
        return;
    }
    for (_, _, name) in &over {
        release(*name);
    }
    let _ = index().mutate(|list: Result<Option<Vec<Noted>>, _>| -> Result<_, ()> {
        let list = list.ok().flatten().unwrap_or_default();
        Ok(list.into_iter().filter(|noted| !over.contains(noted)).collect::<Vec<_>>())
    });
}

/// Sends an answer. If the transaction is lost, the next block's call sends it again.
fn answer<T: Config>(job: JobId, round: u32, worker: &T::AccountId, key: &T::WorkerKey, outcome: &Outcome) {
    let answer = Answer { job, round, worker: worker.clone(), outcome: outcome.clone() };
    let Some(signature) = key.sign(&answer.payload(Pallet::<T>::genesis())) else { return };
    let call = Call::<T>::submit_result_unsigned { answer, signature };
    let transaction = T::create_authorized_transaction(call.into());
    if SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_err() {
        // In the pool already, or the chain has moved on.
        log::debug!(target: "gristmill", "the pool did not take the answer to job {job}");
    }
}
