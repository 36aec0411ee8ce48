//! Who sends too much, too many, too little; and thousands of operations at random, with the books looked at.

use super::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::AccountId32;

#[test]
fn what_is_too_much_is_refused() {
    chain(|| {
        let job = |code: JobCode, input: usize, policy: Policy, budget, reward| {
            JobsPallet::submit_job(signed(&ALICE), code, vec![0; input], policy, budget, reward)
        };
        let inline = || JobCode::Inline(CODE.to_vec());
        let long = JobCode::Inline(vec![0; 1_001]);
        assert_noop!(job(long, 0, pure(), BUDGET, 1_000), Error::<Test>::CodeTooLong);
        assert_noop!(JobsPallet::upload_code(signed(&ALICE), vec![0; 1_001]), Error::<Test>::CodeTooLong);
        let refused = |input, policy, budget, reward, error: Error<Test>| {
            let call = || job(inline(), input, policy, budget, reward);
            assert_eq!(frame_support::storage::with_storage_layer(call), Err(error.into()));
            check_books();
        };
        refused(101, pure(), BUDGET, 1_000, Error::InputTooLong);
        refused(0, b"root".to_vec().try_into().unwrap(), BUDGET, 1_000, Error::UnknownPolicy);
        refused(0, pure(), BUDGET, 99, Error::RewardTooLow);
        refused(0, pure(), BUDGET, RICH, Error::BalanceLow);
        refused(0, pure(), Budget { gas: BUDGET.gas + 1, ..BUDGET }, 1_000, Error::BudgetTooLarge);
        refused(0, pure(), Budget { milliseconds: u32::MAX, ..BUDGET }, 1_000, Error::BudgetTooLarge);
        refused(0, pure(), Budget { pages: u32::MAX, ..BUDGET }, 1_000, Error::BudgetTooLarge);
        refused(0, pure(), Budget { output: u32::MAX, ..BUDGET }, 1_000, Error::BudgetTooLarge);
    });
}

#[test]
fn spam_fills_the_queue_and_nothing_else() {
    chain(|| {
        for _ in 0..8 {
            assert_ok!(submit(b"", 100));
        }
        let call = || submit(b"", 100);
        assert_eq!(frame_support::storage::with_storage_layer(call), Err(Error::<Test>::QueueFull.into()));
        // Four fall due in a block, the others in the next.
        run_to(11);
        assert_eq!(System::events().iter().filter(|event| is_retry(&event.event)).count(), 4);
        run_to(12);
        assert_eq!(System::events().iter().filter(|event| is_retry(&event.event)).count(), 8);
        run_to(100);
        assert!(Jobs::<Test>::iter().next().is_none(), "nobody works: all is given up, and forgotten");
        assert!(Due::<Test>::iter().next().is_none());
    });
}

fn is_retry(event: &RuntimeEvent) -> bool {
    matches!(event, RuntimeEvent::JobsPallet(Event::JobRetried { .. }))
}

/// A chain whose rules get tighter has more falling due than there is room for: what is closed goes at once.
#[test]
fn no_job_is_lost_when_blocks_are_full() {
    chain(|| {
        for _ in 0..8 {
            assert_ok!(submit(b"", 100));
        }
        Numbers::mutate(|numbers| numbers.due = 0);
        let before = Balances::free_balance(ALICE);
        run_to(12);
        assert!(Jobs::<Test>::iter().next().is_none());
        assert!(Balances::free_balance(ALICE) > before);
        Numbers::mutate(|numbers| numbers.due = 4);
    });
}

/// A worker's account may be gone, and its share less than an account begins with.
#[test]
fn money_for_accounts_that_are_no_more_stays_accounted_for() {
    chain(|| {
        let key = sp_core::Pair::public(&pair(4));
        assert_ok!(JobsPallet::add_worker(RuntimeOrigin::root(), AccountId32::new([9; 32]), key));
        Numbers::mutate(|numbers| numbers.quorum = 4);
        assert_ok!(submit(b"", 100));
        Jobs::<Test>::mutate(0, |job| job.as_mut().expect("it is there").reward = 36);
        for number in 1..=3 {
            assert_ok!(answer(number, 0, found(b"")));
        }
        let poor = AccountId32::new([9; 32]);
        assert_ok!(JobsPallet::submit_result(signed(&poor), 0, 0, found(b"")));
        assert_eq!((Balances::free_balance(poor), Stranded::<Test>::get()), (0, 9));
        // What this test has taken out of the job's reward.
        Stranded::<Test>::mutate(|sum| *sum += 64);
        Numbers::mutate(|numbers| numbers.quorum = 2);
    });
}

/// xorshift64*: a fixed sequence, so that a failure can be had again.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % most
    }
}

#[test]
fn ten_thousand_random_operations_conserve_money() {
    chain(|| {
        let issuance = Balances::total_issuance();
        let mut random = Random(7);
        let hashes = [CODE, b"other"].map(|code| (code, H256(sp_io::hashing::keccak_256(code))));
        for step in 0..10_000 {
            let who = [ALICE, BOB][random.below(2) as usize].clone();
            let (code, hash) = hashes[random.below(2) as usize];
            let job = NextJob::<Test>::get().saturating_sub(random.below(10));
            let number = random.below(5) as u8;
            let call: Box<dyn FnOnce() -> DispatchResult> = match random.below(10) {
                0 => Box::new(move || JobsPallet::upload_code(signed(&who), code.to_vec())),
                1 => Box::new(move || JobsPallet::remove_code(signed(&who), hash)),
                2 | 3 => {
                    let code =
                        if random.below(2) == 0 { JobCode::Stored(hash) } else { JobCode::Inline(code.to_vec()) };
                    let (input, reward) = (vec![1; random.below(120) as usize], 50 + u128::from(random.below(1_000)));
                    Box::new(move || JobsPallet::submit_job(signed(&who), code, input, pure(), BUDGET, reward))
                }
                4 => Box::new(move || JobsPallet::cancel_job(signed(&who), job)),
                5 => Box::new(move || JobsPallet::remove_job(signed(&who), job)),
                6..=8 => {
                    let outcome = found(&[random.below(2) as u8]);
                    Box::new(move || answer(number, job, outcome))
                }
                _ => {
                    run_to(System::block_number() + 1 + random.below(4));
                    Box::new(|| Ok(()))
                }
            };
            let _ = frame_support::storage::with_storage_layer(call);
            if step % 50 == 0 {
                check_books();
                assert_eq!(Balances::total_issuance(), issuance);
            }
        }
        assert!(last() > 500, "the operations do something");
        run_to(System::block_number() + 200);
        assert!(Jobs::<Test>::iter().next().is_none());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}
