//! Jobs for FRAME chains: WebAssembly that is too long, too large or too free for a block.
//!
//! Somebody submits a job with code, input, a policy, a budget and a reward. Off-chain workers run it on their nodes, through a
//! [`door`] that opens for them alone, and send what they found: unsigned with a signed payload, or in a signed transaction.
//! What enough distinct workers have found equally is the result; they share the reward. A job nobody agrees about is tried
//! again, and given up with everything paid back. The chain compares answers. It never runs a job.
//!
//! - [`Config`]: what a runtime decides; [`Rules`] has the numbers.
//! - [`Call`]: what users and workers send. [`JobQueue`]: what other pallets ask.
//! - [`door::Runner`]: what a node brings to run jobs.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod door;
mod queue;
mod request;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;
mod worker;

pub use pallet::*;
pub use request::{JobQueue, Unpaid};
pub use types::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use frame_support::PalletId;
use frame_support::pallet_prelude::*;
use frame_support::traits::Contains;
use frame_support::traits::fungible::{Inspect, Mutate};
use frame_support::traits::tokens::Balance;
use frame_system::offchain::CreateAuthorizedTransaction;
use frame_system::pallet_prelude::*;
use sp_core::H256;
use sp_core::crypto::KeyTypeId;
use sp_runtime::traits::Saturating;
use sp_runtime::{DispatchError, RuntimeAppPublic};

/// The chain's currency, an amount of it.
pub type BalanceOf<T> = <T as Config>::Balance;
/// A job of this chain.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// The signature of a worker's key.
pub type SignatureOf<T> = <<T as Config>::WorkerKey as RuntimeAppPublic>::Signature;

/// The type of key that workers' nodes keep.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"gmjb");

/// Keys of workers: sr25519.
pub mod key {
    mod app {
        use sp_application_crypto::{app_crypto, sr25519};
        app_crypto!(sr25519, crate::KEY_TYPE);
    }

    /// A worker's public key.
    pub type WorkerKey = app::Public;
    /// What it signs with.
    pub type WorkerSignature = app::Signature;
    /// The pair, for tests and tools.
    #[cfg(feature = "std")]
    pub type WorkerPair = app::Pair;
}

#[frame_support::pallet]
pub mod pallet {
    use super::*;

    /// The version of what is stored.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Jobs.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    // Lists and bytes are bounded by `Rules`, which a runtime may change without a migration.
    #[pallet::without_storage_info]
    pub struct Pallet<T>(_);

    /// What a runtime decides.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>> + CreateAuthorizedTransaction<Call<Self>>
    {
        /// An amount of [`Config::Currency`].
        type Balance: Balance + From<u32>;

        /// What rewards and deposits are paid in.
        type Currency: Inspect<Self::AccountId, Balance = Self::Balance> + Mutate<Self::AccountId>;

        /// Takes payments to accounts that do not exist: [`Unpaid`].
        type Unpaid: Unpaid<Self::AccountId, Self::Balance>;

        /// What calls weigh.
        type WeightInfo: WeightInfo;

        /// Whose account has rewards and deposits.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Keys that workers sign answers with: [`key::WorkerKey`].
        type WorkerKey: RuntimeAppPublic<Signature: Parameter> + Parameter + Ord + MaybeSerializeDeserialize;

        /// Who says which accounts are workers.
        type WorkerOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Policies that jobs may ask for. Workers need them on their nodes.
        type Policies: Contains<Policy>;

        /// The numbers.
        #[pallet::constant]
        type Rules: Get<Rules<BlockNumberFor<Self>>>;

        /// The least that workers get for a job, all together.
        #[pallet::constant]
        type MinReward: Get<BalanceOf<Self>>;

        /// Deposit for an item that the chain keeps for a job.
        #[pallet::constant]
        type DepositPerItem: Get<BalanceOf<Self>>;

        /// Deposit for a byte.
        #[pallet::constant]
        type DepositPerByte: Get<BalanceOf<Self>>;
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Code is kept.
        CodeStored {
            /// keccak256 of it.
            code_hash: H256,
            /// Who pays for that.
            owner: T::AccountId,
        },
        /// Code is no longer kept.
        CodeRemoved {
            /// keccak256 of it.
            code_hash: H256,
        },
        /// There is a job to do.
        JobSubmitted {
            /// Its number.
            job: JobId,
            /// Whose it is.
            owner: T::AccountId,
            /// keccak256 of what is to run.
            code_hash: H256,
            /// What workers share.
            reward: BalanceOf<T>,
        },
        /// A worker has answered.
        Answered {
            /// About which job.
            job: JobId,
            /// Who.
            worker: T::AccountId,
            /// [`Outcome::hash`] of what it found.
            outcome: H256,
        },
        /// Enough workers have found the same.
        JobFinished {
            /// About which job.
            job: JobId,
            /// [`Outcome::hash`] of it.
            outcome: H256,
        },
        /// A worker has found something else than what counts, and gets nothing.
        Disagreed {
            /// About which job.
            job: JobId,
            /// Who.
            worker: T::AccountId,
        },
        /// Too few workers have found the same in time: another round.
        JobRetried {
            /// The job.
            job: JobId,
            /// Which round begins.
            round: u32,
        },
        /// There is no result, and there will be none. The reward went back.
        JobAbandoned {
            /// The job.
            job: JobId,
        },
        /// What came of a job is no longer kept. The deposit went back.
        JobRemoved {
            /// The job.
            job: JobId,
        },
        /// An account is a worker now.
        WorkerAdded {
            /// Which.
            worker: T::AccountId,
        },
        /// An account is no worker any more.
        WorkerRemoved {
            /// Which.
            worker: T::AccountId,
        },
    }

    /// What went wrong.
    #[pallet::error]
    #[derive(PartialEq, Eq)]
    pub enum Error<T> {
        /// The sender cannot pay.
        BalanceLow,
        /// No code has the hash.
        CodeNotFound,
        /// The code is too long.
        CodeTooLong,
        /// Jobs need the code.
        CodeInUse,
        /// The input is too long.
        InputTooLong,
        /// The budget is above what the chain lets jobs have.
        BudgetTooLarge,
        /// The chain knows no policy of that name.
        UnknownPolicy,
        /// What is paid is less than the deposit and the least reward.
        RewardTooLow,
        /// There are too many open jobs.
        QueueFull,
        /// There is no job of that number, or no more.
        JobNotFound,
        /// The job is not closed yet.
        JobOpen,
        /// The job is closed.
        JobClosed,
        /// Workers have answered already.
        JobStarted,
        /// The answer belongs to another round.
        WrongRound,
        /// The output is longer than the job's budget.
        OutputTooLong,
        /// The worker has answered in this round.
        AlreadyAnswered,
        /// The account is no worker.
        NotAWorker,
        /// The account is a worker, or the key belongs to one.
        AlreadyAWorker,
        /// There are as many workers as there may be.
        TooManyWorkers,
    }

    /// Code, by its keccak256. At most [`Rules::code`] bytes.
    #[pallet::storage]
    pub type Codes<T: Config> = StorageMap<_, Identity, H256, Vec<u8>>;

    /// What there is to know of it.
    #[pallet::storage]
    pub type CodeInfoOf<T: Config> = StorageMap<_, Identity, H256, CodeInfo<T::AccountId, BalanceOf<T>>>;

    /// The number of the next job.
    #[pallet::storage]
    pub type NextJob<T: Config> = StorageValue<_, JobId, ValueQuery>;

    /// Jobs.
    #[pallet::storage]
    pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

    /// What open jobs read. At most [`Rules::input`] bytes.
    #[pallet::storage]
    pub type Inputs<T: Config> = StorageMap<_, Twox64Concat, JobId, Vec<u8>, ValueQuery>;

    /// Who has answered in this round, and [`Outcome::hash`] of the answer. At most [`Rules::workers`].
    #[pallet::storage]
    pub type Answers<T: Config> = StorageMap<_, Twox64Concat, JobId, Vec<(T::AccountId, H256)>, ValueQuery>;

    /// What came of closed jobs.
    #[pallet::storage]
    pub type Ends<T: Config> = StorageMap<_, Twox64Concat, JobId, End>;

    /// Open jobs, the oldest first. At most [`Rules::open`].
    #[pallet::storage]
    pub type Queue<T: Config> = StorageValue<_, Vec<JobId>, ValueQuery>;

    /// Jobs whose round is over in a block, or that are forgotten in it. At most [`Rules::due`].
    #[pallet::storage]
    pub type Due<T: Config> = StorageMap<_, Twox64Concat, BlockNumberFor<T>, Vec<JobId>, ValueQuery>;

    /// Workers, and the keys that their nodes sign with. At most [`Rules::workers`].
    #[pallet::storage]
    pub type Workers<T: Config> = CountedStorageMap<_, Blake2_128Concat, T::AccountId, T::WorkerKey>;

    /// What the pallet's account has and nobody could be given: too little for accounts that are no more.
    #[pallet::storage]
    pub type Stranded<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery>;

    /// What a chain begins with.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Workers and their keys.
        pub workers: Vec<(T::AccountId, T::WorkerKey)>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            Pallet::<T>::endow();
            for (worker, key) in &self.workers {
                Workers::<T>::insert(worker, key);
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            T::WeightInfo::due(Self::fall_due(now))
        }

        fn on_runtime_upgrade() -> Weight {
            // A chain that gets the pallet has no genesis that does it.
            Self::endow();
            T::DbWeight::get().reads_writes(2, 2)
        }

        fn offchain_worker(_: BlockNumberFor<T>) {
            worker::work::<T>();
        }

        fn integrity_test() {
            let Rules { quorum, workers, rounds, due, open, .. } = T::Rules::get();
            let (must, block) = (T::WeightInfo::due(due), T::BlockWeights::get().max_block);
            assert!(
                must.all_lte(block / 4),
                "what falls due in a block takes no more than a quarter of it: {must} of {block}"
            );
            assert!(quorum > 0 && quorum <= workers, "a quorum of workers that there can be");
            assert!(
                rounds > 0 && due > 0 && open > 0,
                "jobs get a round, a place in the queue and a block to fall due in"
            );
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Keeps code for jobs, for a deposit.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::upload_code(code.len() as u32))]
        pub fn upload_code(origin: OriginFor<T>, code: Vec<u8>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            let code_hash = Self::store_code(code, &owner, true)?;
            Self::deposit_event(Event::CodeStored { code_hash, owner });
            Ok(())
        }

        /// Forgets code that the sender uploaded and no job needs.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::remove_code())]
        pub fn remove_code(origin: OriginFor<T>, code_hash: H256) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            let info = CodeInfoOf::<T>::get(code_hash).ok_or(Error::<T>::CodeNotFound)?;
            ensure!(info.owner == owner, DispatchError::BadOrigin);
            ensure!(info.users == 0, Error::<T>::CodeInUse);
            Self::drop_code(code_hash, &info);
            Self::deposit_event(Event::CodeRemoved { code_hash });
            Ok(())
        }

        /// Asks workers to run `code` on `input` under `policy` within `budget`, for a `reward` that those share whose result
        /// counts. There is a deposit for what the chain keeps, until what came of the job is forgotten.
        #[pallet::call_index(2)]
        #[pallet::weight({
            let code = match code {
                JobCode::Inline(code) => code.len() as u32,
                JobCode::Stored(_) => 0,
            };
            T::WeightInfo::submit_job(code, input.len() as u32)
        })]
        pub fn submit_job(
            origin: OriginFor<T>,
            code: JobCode,
            input: Vec<u8>,
            policy: Policy,
            budget: Budget,
            #[pallet::compact] reward: BalanceOf<T>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            let code_hash = match code {
                JobCode::Inline(code) => Self::store_code(code, &owner, false)?,
                JobCode::Stored(hash) => hash,
            };
            let request = Request { code_hash, input, policy, budget };
            let length = u32::try_from(request.input.len()).map_err(|_| Error::<T>::InputTooLong)?;
            let amount = reward.saturating_add(Self::job_deposit(length, budget.output));
            Self::enqueue(owner.clone(), request, amount)?;
            Self::take(&owner, amount)
        }

        /// Takes a job back that no worker has answered.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::cancel_job())]
        pub fn cancel_job(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            let id = job;
            let job = Self::own(origin, id)?;
            ensure!(job.kept_until.is_none(), Error::<T>::JobClosed);
            ensure!(Answers::<T>::decode_len(id).unwrap_or(0) == 0, Error::<T>::JobStarted);
            Self::forget_due(id, job.due);
            Self::abandon(id, job.clone());
            Self::remove(id, &job);
            Ok(())
        }

        /// Forgets what came of a job before its time, for the deposit.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::remove_job())]
        pub fn remove_job(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            let id = job;
            let job = Self::own(origin, id)?;
            ensure!(job.kept_until.is_some(), Error::<T>::JobOpen);
            Self::forget_due(id, job.due);
            Self::remove(id, &job);
            Ok(())
        }

        /// A worker's answer, in a transaction that the worker signs and pays for.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::submit_result(outcome.output().len() as u32, T::Rules::get().quorum))]
        pub fn submit_result(origin: OriginFor<T>, job: JobId, round: u32, outcome: Outcome) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::accept(Answer { job, round, worker, outcome })
        }

        /// A worker's answer, in a transaction without a fee. `signature` is the worker's key's over [`Answer::payload`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::submit_result(answer.outcome.output().len() as u32, T::Rules::get().quorum))]
        #[pallet::authorize(|_, answer, signature| Pallet::<T>::authorize(answer, signature))]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize(answer.outcome.output().len() as u32))]
        pub fn submit_result_unsigned(
            origin: OriginFor<T>,
            answer: Answer<T::AccountId>,
            signature: SignatureOf<T>,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            // Looked at when the transaction was let in.
            let _ = signature;
            Self::accept(answer)
        }

        /// Makes an account a worker whose node signs with `key`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::add_worker(T::Rules::get().workers))]
        pub fn add_worker(origin: OriginFor<T>, worker: T::AccountId, key: T::WorkerKey) -> DispatchResult {
            T::WorkerOrigin::ensure_origin(origin)?;
            ensure!(!Workers::<T>::contains_key(&worker), Error::<T>::AlreadyAWorker);
            ensure!(Workers::<T>::iter_values().all(|other| other != key), Error::<T>::AlreadyAWorker);
            ensure!(Workers::<T>::count() < T::Rules::get().workers, Error::<T>::TooManyWorkers);
            Workers::<T>::insert(&worker, key);
            Self::deposit_event(Event::WorkerAdded { worker });
            Ok(())
        }

        /// Takes that back.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::remove_worker())]
        pub fn remove_worker(origin: OriginFor<T>, worker: T::AccountId) -> DispatchResult {
            T::WorkerOrigin::ensure_origin(origin)?;
            ensure!(Workers::<T>::contains_key(&worker), Error::<T>::NotAWorker);
            Workers::<T>::remove(&worker);
            Self::deposit_event(Event::WorkerRemoved { worker });
            Ok(())
        }
    }
}

impl<T: Config> Pallet<T> {
    /// A job of the sender's.
    fn own(origin: OriginFor<T>, id: JobId) -> Result<JobOf<T>, DispatchError> {
        let who = ensure_signed(origin)?;
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::JobNotFound)?;
        ensure!(job.owner == who, DispatchError::BadOrigin);
        Ok(job)
    }

    /// What there is to see of a job.
    pub fn view(job: JobId) -> View {
        match (Ends::<T>::get(job), Jobs::<T>::contains_key(job)) {
            (Some(end), _) => View::Closed(end),
            (None, true) => View::Open,
            (None, false) => View::Unknown,
        }
    }

    /// The hash of the chain's first block: answers for one chain are none for another.
    fn genesis() -> T::Hash {
        frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(0u32))
    }

    /// Whether a transaction without a fee may come: only what the chain would take.
    fn authorize(answer: &Answer<T::AccountId>, signature: &SignatureOf<T>) -> TransactionValidityWithRefund {
        Self::answerable(answer).map_err(|error| match error {
            Error::<T>::NotAWorker => InvalidTransaction::BadSigner,
            Error::<T>::OutputTooLong => InvalidTransaction::ExhaustsResources,
            _ => InvalidTransaction::Stale,
        })?;
        let key = Workers::<T>::get(&answer.worker).ok_or(InvalidTransaction::BadSigner)?;
        if !key.verify(&answer.payload(Self::genesis()), signature) {
            return Err(InvalidTransaction::BadProof.into());
        }
        let valid = ValidTransaction::with_tag_prefix("GristmillJobs")
            .and_provides((answer.job, answer.round, &answer.worker))
            .propagate(true)
            .build()?;
        Ok((valid, Weight::zero()))
    }
}
