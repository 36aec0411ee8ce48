//! The life of a job on the chain.

use super::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok};

#[test]
fn enough_equal_answers_make_a_result() {
    chain(|| {
        let before = Balances::free_balance(ALICE);
        assert_ok!(submit(b"in", 1_001));
        let id = last();
        let paid = before - Balances::free_balance(ALICE);
        assert_eq!(
            paid,
            1_001 + JobsPallet::job_deposit(2, BUDGET.output) + JobsPallet::code_deposit(CODE.len() as u32)
        );
        assert_eq!(Inputs::<Test>::get(id), b"in");
        assert_ok!(answer(1, id, found(b"out")));
        assert_eq!(JobsPallet::view(id), View::Open);
        assert_ok!(answer(3, id, found(b"out")));
        assert_eq!(JobsPallet::view(id), View::Closed(End::Agreed(found(b"out"))));
        System::assert_has_event(Event::JobFinished { job: id, outcome: found(b"out").hash() }.into());
        let got = |number| Balances::free_balance(worker(number)) - RICH;
        assert_eq!((got(1), got(2), got(3)), (501, 0, 500));
        assert!(Codes::<Test>::iter().next().is_none(), "code that came along goes with its jobs");
        assert_noop!(answer(2, id, found(b"out")), Error::<Test>::JobClosed);
        // The deposit stays as long as what came of the job is kept.
        assert_eq!(Balances::free_balance(ALICE), before - 1_001 - JobsPallet::job_deposit(2, BUDGET.output));
        run_to(1 + Numbers::get().keep);
        assert_eq!(JobsPallet::view(id), View::Unknown);
        assert_eq!(Balances::free_balance(ALICE), before - 1_001);
    });
}

#[test]
fn who_disagrees_gets_nothing() {
    chain(|| {
        assert_ok!(submit(b"", 1_000));
        let id = last();
        assert_ok!(answer(2, id, found(b"lie")));
        assert_ok!(answer(1, id, Outcome::Failed(Failure::Trapped)));
        assert_ok!(answer(3, id, Outcome::Failed(Failure::Trapped)));
        assert_eq!(JobsPallet::view(id), View::Closed(End::Agreed(Outcome::Failed(Failure::Trapped))));
        System::assert_has_event(Event::Disagreed { job: id, worker: worker(2) }.into());
        assert_eq!(Balances::free_balance(worker(2)), RICH);
    });
}

/// A worker that lies cannot make a result alone, however often it says so.
#[test]
fn a_worker_has_one_voice() {
    chain(|| {
        assert_ok!(submit(b"", 1_000));
        assert_ok!(answer(1, 0, found(b"lie")));
        assert_noop!(answer(1, 0, found(b"lie")), Error::<Test>::AlreadyAnswered);
        assert_noop!(answer(4, 0, found(b"lie")), Error::<Test>::NotAWorker);
        let round = 1;
        let early = JobsPallet::submit_result(signed(&worker(2)), 0, round, found(b"lie"));
        assert_noop!(early, Error::<Test>::WrongRound);
        assert_noop!(answer(2, 0, found(&[0; 65])), Error::<Test>::OutputTooLong);
        assert_noop!(answer(2, 1, found(b"")), Error::<Test>::JobNotFound);
        assert_eq!(JobsPallet::view(0), View::Open);
    });
}

#[test]
fn a_round_without_a_quorum_is_followed_by_another() {
    chain(|| {
        let before = Balances::free_balance(ALICE);
        assert_ok!(submit(b"", 1_000));
        assert_ok!(answer(1, 0, found(b"a")));
        run_to(11);
        System::assert_has_event(Event::JobRetried { job: 0, round: 1 }.into());
        // All have answered, and no two the same: that round is over at once.
        for number in 1..=3 {
            assert_ok!(answer(number, 0, found(&[number])));
        }
        System::assert_has_event(Event::JobRetried { job: 0, round: 2 }.into());
        assert_ok!(answer(1, 0, found(b"a")));
        run_to(21);
        assert_eq!(JobsPallet::view(0), View::Closed(End::Abandoned));
        System::assert_has_event(Event::JobAbandoned { job: 0 }.into());
        assert_eq!(
            Balances::free_balance(ALICE),
            before - JobsPallet::job_deposit(0, BUDGET.output),
            "the reward is back"
        );
        run_to(41);
        assert_eq!(Balances::free_balance(ALICE), before);
        assert_eq!((1..=3).map(|number| Balances::free_balance(worker(number))).sum::<u128>(), 3 * RICH);
    });
}

#[test]
fn owners_take_back_what_nobody_began_and_clear_what_is_closed() {
    chain(|| {
        let before = Balances::free_balance(ALICE);
        assert_ok!(submit(b"", 1_000));
        assert_noop!(JobsPallet::cancel_job(signed(&BOB), 0), DispatchError::BadOrigin);
        assert_noop!(JobsPallet::remove_job(signed(&ALICE), 0), Error::<Test>::JobOpen);
        assert_ok!(JobsPallet::cancel_job(signed(&ALICE), 0));
        assert_eq!((JobsPallet::view(0), Balances::free_balance(ALICE)), (View::Unknown, before));
        assert_noop!(JobsPallet::cancel_job(signed(&ALICE), 0), Error::<Test>::JobNotFound);
        assert_ok!(submit(b"", 1_000));
        assert_ok!(answer(1, 1, found(b"")));
        assert_noop!(JobsPallet::cancel_job(signed(&ALICE), 1), Error::<Test>::JobStarted);
        assert_ok!(answer(2, 1, found(b"")));
        assert_noop!(JobsPallet::cancel_job(signed(&ALICE), 1), Error::<Test>::JobClosed);
        assert_noop!(JobsPallet::remove_job(signed(&BOB), 1), DispatchError::BadOrigin);
        assert_ok!(JobsPallet::remove_job(signed(&ALICE), 1));
        assert_eq!(Balances::free_balance(ALICE), before - 1_000);
    });
}

#[test]
fn code_is_kept_once_and_paid_for_by_who_wants_it_to_stay() {
    chain(|| {
        let (alice, bob) = (Balances::free_balance(ALICE), Balances::free_balance(BOB));
        let deposit = JobsPallet::code_deposit(CODE.len() as u32);
        let hash = H256(sp_io::hashing::keccak_256(CODE));
        assert_ok!(submit(b"", 1_000));
        assert_ok!(JobsPallet::upload_code(signed(&BOB), CODE.to_vec()));
        assert_eq!(Balances::free_balance(BOB), bob - deposit);
        assert_eq!(Balances::free_balance(ALICE), alice - 1_000 - JobsPallet::job_deposit(0, BUDGET.output));
        assert_noop!(JobsPallet::remove_code(signed(&BOB), hash), Error::<Test>::CodeInUse);
        assert_ok!(JobsPallet::cancel_job(signed(&ALICE), 0));
        let stored =
            |hash| JobsPallet::submit_job(signed(&ALICE), JobCode::Stored(hash), vec![], pure(), BUDGET, 1_000);
        assert_ok!(stored(hash));
        assert_ok!(JobsPallet::cancel_job(signed(&ALICE), 1));
        assert_noop!(JobsPallet::remove_code(signed(&ALICE), hash), DispatchError::BadOrigin);
        assert_ok!(JobsPallet::remove_code(signed(&BOB), hash));
        assert_eq!((Balances::free_balance(ALICE), Balances::free_balance(BOB)), (alice, bob));
        assert_noop!(stored(hash), Error::<Test>::CodeNotFound);
        assert_noop!(JobsPallet::remove_code(signed(&BOB), hash), Error::<Test>::CodeNotFound);
    });
}

#[test]
fn root_says_who_works() {
    chain(|| {
        let add = |origin, number| JobsPallet::add_worker(origin, worker(number), sp_core::Pair::public(&pair(number)));
        assert_noop!(add(signed(&ALICE), 4), DispatchError::BadOrigin);
        assert_noop!(add(RuntimeOrigin::root(), 3), Error::<Test>::AlreadyAWorker);
        let again = JobsPallet::add_worker(RuntimeOrigin::root(), ALICE, sp_core::Pair::public(&pair(3)));
        assert_noop!(again, Error::<Test>::AlreadyAWorker);
        assert_ok!(add(RuntimeOrigin::root(), 4));
        assert_noop!(add(RuntimeOrigin::root(), 5), Error::<Test>::TooManyWorkers);
        assert_ok!(JobsPallet::remove_worker(RuntimeOrigin::root(), worker(4)));
        assert_noop!(JobsPallet::remove_worker(RuntimeOrigin::root(), worker(4)), Error::<Test>::NotAWorker);
    });
}
