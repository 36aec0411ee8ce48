//! The life of a job: filed, answered, begun anew, closed, removed; and the money that goes with it.

use crate::*;
use alloc::collections::BTreeMap;
use frame_support::ensure;
use frame_support::traits::tokens::Preservation;
use sp_runtime::DispatchResult;
use sp_runtime::traits::{AccountIdConversion, One, Saturating, Zero};

/// Blocks after the one in which a job should fall due that are tried when that one is full.
const SPREAD: u32 = 16;
/// Items that a job takes: itself, its input, its answers, what came of it.
const ITEMS: u32 = 4;

impl<T: Config> Pallet<T> {
    /// The pallet's own account: rewards and deposits.
    pub fn account_id() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// Makes sure that it lives: then what it has for others can be paid out to the last unit.
    pub(crate) fn endow() {
        let (account, least) = (Self::account_id(), T::Currency::minimum_balance());
        if T::Currency::total_balance(&account) < least {
            // Fails where the issuance is at its end; then nothing can be paid in, and calls say so.
            let _ = T::Currency::mint_into(&account, least);
        }
    }

    pub(crate) fn take(from: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        T::Currency::transfer(from, &Self::account_id(), amount, Preservation::Preserve)
            .map_err(|_| Error::<T>::BalanceLow)?;
        Ok(())
    }

    /// Pays out. What is for an account that does not exist, a contract's mostly, [`Config::Unpaid`] keeps for it.
    pub(crate) fn give(to: &T::AccountId, amount: BalanceOf<T>) {
        if amount.is_zero() {
            return;
        }
        let pot = Self::account_id();
        let kept = T::Currency::total_balance(to).is_zero() && T::Unpaid::keep(&pot, to, amount);
        if !kept && T::Currency::transfer(&pot, to, amount, Preservation::Preserve).is_err() {
            Stranded::<T>::mutate(|sum| sum.saturating_accrue(amount));
        }
    }

    fn deposit_for(items: u32, bytes: u32) -> BalanceOf<T> {
        let items = T::DepositPerItem::get().saturating_mul(items.into());
        items.saturating_add(T::DepositPerByte::get().saturating_mul(bytes.into()))
    }

    /// What is kept for a job with so many bytes of input and output.
    pub fn job_deposit(input: u32, output: u32) -> BalanceOf<T> {
        Self::deposit_for(ITEMS, input.saturating_add(output))
    }

    /// What is kept for so many bytes of code.
    pub fn code_deposit(code: u32) -> BalanceOf<T> {
        Self::deposit_for(2, code)
    }

    /// Keeps code; what that costs `owner`. Code that is there costs nothing.
    pub(crate) fn store_code(code: Vec<u8>, owner: &T::AccountId, uploaded: bool) -> Result<H256, DispatchError> {
        ensure!(code.len() <= T::Rules::get().code as usize, Error::<T>::CodeTooLong);
        let hash = H256(sp_io::hashing::keccak_256(&code));
        let known = CodeInfoOf::<T>::get(hash);
        if known.as_ref().is_some_and(|info| info.uploaded || !uploaded) {
            return Ok(hash);
        }
        let deposit = Self::code_deposit(code.len() as u32);
        Self::take(owner, deposit)?;
        // Who wants it to stay pays for it from now on.
        if let Some(info) = &known {
            Self::give(&info.owner, info.deposit);
        }
        let users = known.map_or(0, |info| info.users);
        CodeInfoOf::<T>::insert(hash, CodeInfo { owner: owner.clone(), deposit, users, uploaded });
        Codes::<T>::insert(hash, code);
        Ok(hash)
    }

    pub(crate) fn drop_code(hash: H256, info: &CodeInfo<T::AccountId, BalanceOf<T>>) {
        Codes::<T>::remove(hash);
        CodeInfoOf::<T>::remove(hash);
        Self::give(&info.owner, info.deposit);
    }

    fn release_code(hash: H256) {
        let Some(mut info) = CodeInfoOf::<T>::get(hash) else { return };
        info.users = info.users.saturating_sub(1);
        if info.users == 0 && !info.uploaded {
            Self::drop_code(hash, &info);
        } else {
            CodeInfoOf::<T>::insert(hash, info);
        }
    }

    /// Whether a job could be filed; its deposit.
    pub(crate) fn admit(request: &Request, amount: BalanceOf<T>, ahead: u32) -> Result<BalanceOf<T>, DispatchError> {
        let rules = T::Rules::get();
        ensure!(T::Policies::contains(&request.policy), Error::<T>::UnknownPolicy);
        ensure!(request.budget.within(&rules.budget), Error::<T>::BudgetTooLarge);
        ensure!(request.input.len() <= rules.input as usize, Error::<T>::InputTooLong);
        ensure!(CodeInfoOf::<T>::contains_key(request.code_hash), Error::<T>::CodeNotFound);
        let deposit = Self::job_deposit(request.input.len() as u32, request.budget.output);
        let least = deposit.saturating_add(T::MinReward::get());
        ensure!(amount >= least, Error::<T>::RewardTooLow);
        let open = Queue::<T>::decode_len().unwrap_or(0).saturating_add(ahead as usize);
        ensure!(open < rules.open as usize, Error::<T>::QueueFull);
        Ok(deposit)
    }

    /// Files a job for which `amount` is paid.
    pub(crate) fn enqueue(owner: T::AccountId, request: Request, amount: BalanceOf<T>) -> Result<JobId, DispatchError> {
        let deposit = Self::admit(&request, amount, 0)?;
        let reward = amount.saturating_sub(deposit);
        let id = NextJob::<T>::get();
        let due = Self::schedule(id, Self::now().saturating_add(T::Rules::get().round));
        let due = due.ok_or(Error::<T>::QueueFull)?;
        NextJob::<T>::put(id.saturating_add(1));
        Queue::<T>::append(id);
        CodeInfoOf::<T>::mutate_extant(request.code_hash, |info| info.users = info.users.saturating_add(1));
        let Request { code_hash, input, policy, budget } = request;
        Inputs::<T>::insert(id, input);
        let (round, kept_until) = (0, None);
        let job = Job { owner: owner.clone(), code_hash, policy, budget, reward, deposit, round, due, kept_until };
        Jobs::<T>::insert(id, job);
        Self::deposit_event(Event::JobSubmitted { job: id, owner, code_hash, reward });
        Ok(id)
    }

    pub(crate) fn now() -> BlockNumberFor<T> {
        frame_system::Pallet::<T>::block_number()
    }

    /// Lets a job fall due in the first block from `at` on that has room.
    fn schedule(id: JobId, at: BlockNumberFor<T>) -> Option<BlockNumberFor<T>> {
        let most = T::Rules::get().due as usize;
        let mut block = at.max(Self::now().saturating_add(One::one()));
        for _ in 0..SPREAD {
            if Due::<T>::decode_len(block).unwrap_or(0) < most {
                Due::<T>::append(block, id);
                return Some(block);
            }
            block.saturating_inc();
        }
        None
    }

    /// Whether the answer may be given now; the job it belongs to.
    pub(crate) fn answerable(answer: &Answer<T::AccountId>) -> Result<JobOf<T>, Error<T>> {
        ensure!(Workers::<T>::contains_key(&answer.worker), Error::<T>::NotAWorker);
        let job = Jobs::<T>::get(answer.job).ok_or(Error::<T>::JobNotFound)?;
        ensure!(job.kept_until.is_none(), Error::<T>::JobClosed);
        ensure!(job.round == answer.round, Error::<T>::WrongRound);
        ensure!(answer.outcome.output().len() <= job.budget.output as usize, Error::<T>::OutputTooLong);
        let answered = Answers::<T>::get(answer.job).iter().any(|(worker, _)| *worker == answer.worker);
        ensure!(!answered, Error::<T>::AlreadyAnswered);
        Ok(job)
    }

    /// Takes a worker's answer. Enough equal ones close the job; when there cannot be enough any more, the round is over.
    pub(crate) fn accept(answer: Answer<T::AccountId>) -> DispatchResult {
        let job = Self::answerable(&answer)?;
        let Answer { job: id, worker, outcome, .. } = answer;
        let hash = outcome.hash();
        let mut answers = Answers::<T>::get(id);
        answers.push((worker.clone(), hash));
        Self::deposit_event(Event::Answered { job: id, worker, outcome: hash });
        let equal = answers.iter().filter(|(_, other)| *other == hash).count() as u32;
        let rules = T::Rules::get();
        if equal >= rules.quorum.max(1) {
            Self::reward(id, &job, &answers, hash);
            Self::close(id, job, End::Agreed(outcome));
            return Ok(());
        }
        let mut votes = BTreeMap::<H256, u32>::new();
        for (_, hash) in &answers {
            *votes.entry(*hash).or_default() += 1;
        }
        let most = votes.values().copied().max().unwrap_or(0);
        let to_come = Workers::<T>::count().saturating_sub(answers.len() as u32);
        Answers::<T>::insert(id, answers);
        if most.saturating_add(to_come) < rules.quorum {
            Self::forget_due(id, job.due);
            Self::end_round(id, job);
        }
        Ok(())
    }

    /// Pays those who found what counts, equally; what does not divide goes to the first of them.
    fn reward(id: JobId, job: &JobOf<T>, answers: &[(T::AccountId, H256)], hash: H256) {
        let (agreed, others): (Vec<_>, Vec<_>) = answers.iter().partition(|(_, other)| *other == hash);
        let share = job.reward / (agreed.len().max(1) as u32).into();
        let mut left = job.reward;
        for (worker, _) in agreed.iter().skip(1) {
            Self::give(worker, share);
            left.saturating_reduce(share);
        }
        if let Some((worker, _)) = agreed.first() {
            Self::give(worker, left);
        }
        for (worker, _) in others {
            Self::deposit_event(Event::Disagreed { job: id, worker: worker.clone() });
        }
    }

    /// What came of a job is known. It is kept for a while, and its deposit with it.
    fn close(id: JobId, mut job: JobOf<T>, end: End) {
        Queue::<T>::mutate(|queue| queue.retain(|open| *open != id));
        Answers::<T>::remove(id);
        Inputs::<T>::remove(id);
        Self::release_code(job.code_hash);
        job.kept_until = Some(Self::now().saturating_add(T::Rules::get().keep));
        Self::deposit_event(match &end {
            End::Agreed(outcome) => Event::JobFinished { job: id, outcome: outcome.hash() },
            End::Abandoned => Event::JobAbandoned { job: id },
        });
        Ends::<T>::insert(id, end);
        Jobs::<T>::insert(id, job);
    }

    /// Gives a job that nobody waits for any more back to its owner.
    pub(crate) fn remove(id: JobId, job: &JobOf<T>) {
        Jobs::<T>::remove(id);
        Ends::<T>::remove(id);
        Self::give(&job.owner, job.deposit);
        Self::deposit_event(Event::JobRemoved { job: id });
    }

    /// Takes a job that is open out of everything, with its reward.
    pub(crate) fn abandon(id: JobId, job: JobOf<T>) {
        Self::give(&job.owner, job.reward);
        Self::close(id, JobOf::<T> { reward: Zero::zero(), ..job }, End::Abandoned);
    }

    pub(crate) fn forget_due(id: JobId, due: BlockNumberFor<T>) {
        Due::<T>::mutate_exists(due, |jobs| {
            if let Some(list) = jobs {
                list.retain(|job| *job != id);
                if list.is_empty() {
                    *jobs = None;
                }
            }
        });
    }

    /// A round is over without a result: another, or the end. The job is in no block's list.
    fn end_round(id: JobId, mut job: JobOf<T>) {
        let rules = T::Rules::get();
        let next = job.round.saturating_add(1);
        let again = (next < rules.rounds).then(|| Self::schedule(id, Self::now().saturating_add(rules.round)));
        if let Some(due) = again.flatten() {
            (job.round, job.due) = (next, due);
            Answers::<T>::remove(id);
            Jobs::<T>::insert(id, job);
            Self::deposit_event(Event::JobRetried { job: id, round: next });
            return;
        }
        Self::abandon(id, job);
        Self::keep(id);
    }

    /// Keeps a closed job that is in no block's list until its time has come.
    fn keep(id: JobId) {
        let Some(mut job) = Jobs::<T>::get(id) else { return };
        match Self::schedule(id, job.kept_until.unwrap_or_else(Self::now)) {
            Some(due) => {
                job.due = due;
                Jobs::<T>::insert(id, job);
            }
            None => Self::remove(id, &job),
        }
    }

    /// What falls due in block `now`; how many jobs that were.
    pub(crate) fn fall_due(now: BlockNumberFor<T>) -> u32 {
        let due = Due::<T>::take(now);
        for id in &due {
            let Some(job) = Jobs::<T>::get(id) else { continue };
            match job.kept_until {
                None => Self::end_round(*id, job),
                // It was closed before its round was over.
                Some(until) if now < until => Self::keep(*id),
                Some(_) => Self::remove(*id, &job),
            }
        }
        due.len() as u32
    }
}

impl<T: Config> JobQueue<T::AccountId, BalanceOf<T>> for Pallet<T> {
    fn account() -> T::AccountId {
        Self::account_id()
    }

    fn next() -> JobId {
        NextJob::<T>::get()
    }

    fn deposit(input: u32, output: u32) -> BalanceOf<T> {
        Self::job_deposit(input, output)
    }

    fn check(request: &Request, amount: BalanceOf<T>, ahead: u32) -> DispatchResult {
        Self::admit(request, amount, ahead).map(drop)
    }

    fn file(owner: T::AccountId, request: Request, amount: BalanceOf<T>) -> Result<JobId, DispatchError> {
        Self::enqueue(owner, request, amount)
    }

    fn view(job: JobId) -> View {
        Self::view(job)
    }

    fn weight(input: u32) -> Weight {
        T::WeightInfo::submit_job(0, input).max(T::WeightInfo::view())
    }
}
