//! Calls, creations and the native keccak256.

use super::*;

#[test]
fn messages_by_kind() {
    let cases = [
        ("call", &[100, ADDRESS_AT, VALUE_AT, 0, 8][..], "Call static=false depth=4 gas=2400 aa->77 code=77 value=5"),
        (
            "callCode",
            &[100, ADDRESS_AT, VALUE_AT, 0, 8],
            "CallCode static=false depth=4 gas=2400 aa->aa code=77 value=5",
        ),
        ("callDelegate", &[100, ADDRESS_AT, 0, 8], "DelegateCall static=false depth=4 gas=100 bb->aa code=77 value=9"),
        ("callStatic", &[100, ADDRESS_AT, 0, 8], "Call static=true depth=4 gas=100 aa->77 code=77 value=0"),
    ];
    for (name, args, expected) in cases {
        let mut frame = Frame::ewasm();
        assert_eq!(frame.call(name, args).0, Ok(0));
        let message = frame.host.seen.last().unwrap();
        assert!(message.starts_with(expected) && message.contains("input=8"), "{name}: {message}");
    }
    // No data: its offset says nothing.
    let mut frame = Frame::ewasm();
    assert_eq!(frame.call("callStatic", &[0, ADDRESS_AT, u64::from(u32::MAX), 0]).0, Ok(0));
    assert_eq!(frame.call("create", &[ZERO_AT, u64::from(u32::MAX), 0, RESULT_AT]).0, Ok(0));
}

#[test]
fn results_of_messages() {
    for (status, result) in [
        (StatusCode::Success, 0),
        (StatusCode::Revert, 2),
        (StatusCode::OutOfGas, 1),
        (StatusCode::Rejected, 1),
        (StatusCode::InternalError, 1),
    ] {
        let mut frame = Frame::ewasm();
        frame.host.outcome = Outcome { gas_left: 40, gas_refund: 3, output: vec![1], ..Outcome::failure(status) };
        let (code, used, refund) = frame.call("callStatic", &[100, ADDRESS_AT, 0, 0]);
        assert_eq!((code, used), (Ok(result), 700 + 60));
        assert_eq!(refund, if result == 0 { 3 } else { 0 });
        assert_eq!(frame.return_data, [1]);
    }
    let mut frame = Frame::ewasm();
    frame.host.outcome.gas_left = 101;
    assert_eq!(frame.call("callStatic", &[100, ADDRESS_AT, 0, 0]).1, 700, "no callee returns more than it got");
    frame.host.outcome.gas_left = -1;
    assert!(matches!(frame.call("callStatic", &[100, ADDRESS_AT, 0, 0]).0, Err(Stop::Fault(Fault::Host(_)))));
}

#[test]
fn one_64th_stays() {
    let mut frame = Frame { gas: 700 + 6_401, ..Frame::ewasm() };
    frame.call("callStatic", &[i64::MAX as u64, ADDRESS_AT, 0, 0]).0.unwrap();
    assert!(frame.host.seen[0].contains(" gas=6301 "), "{:?}", frame.host.seen);
    let mut frame = Frame { gas: 32_000 + 64, ..Frame::ewasm() };
    frame.call("create", &[ZERO_AT, 0, 0, RESULT_AT]).0.unwrap();
    assert!(frame.host.seen[0].contains(" gas=63 "), "{:?}", frame.host.seen);
}

/// Eei.md 2: what a call with value costs, and how the schedules differ when it fails lightly.
#[test]
fn calls_with_value() {
    let call = |schedule, deep: bool, poor: bool, exists: bool| {
        let mut frame = Frame::new(schedule, Revision::Byzantium);
        frame.message.depth = if deep { 1_024 } else { 0 };
        frame.host.balance = if poor { 4.into() } else { 5.into() };
        frame.host.exists = exists;
        frame.host.outcome.gas_left = STIPEND as i64;
        frame.return_data = vec![1];
        let (result, used, _) = frame.call("call", &[0, ADDRESS_AT, VALUE_AT, 0, 0]);
        if deep || poor {
            assert_eq!(frame.return_data, [] as [u8; 0]);
        }
        (result.unwrap(), used)
    };
    for schedule in Schedule::ALL {
        assert_eq!(call(schedule, false, false, true), (0, 700 + 9_000 - STIPEND));
        assert_eq!(call(schedule, false, false, false), (0, 700 + 9_000 + 25_000 - STIPEND));
    }
    assert_eq!(call(Schedule::Ewasm, true, false, false), (1, 700));
    assert_eq!(call(Schedule::Ewasm, false, true, false), (1, 9_700));
    assert_eq!(call(Schedule::Unit, true, false, false), (1, 34_700));
    assert_eq!(call(Schedule::Unit, false, true, false), (1, 34_700));
    assert_eq!(call(Schedule::V1, true, false, false), (1, 34_700 - STIPEND));
    assert_eq!(call(Schedule::V1, false, true, false), (1, 34_700 - STIPEND));
    // callCode to nobody is no new account.
    let mut frame = Frame::ewasm();
    frame.host.exists = false;
    assert_eq!(frame.call("callCode", &[0, ADDRESS_AT, VALUE_AT, 0, 0]).1, 9_700);
}

#[test]
fn creations() {
    let mut frame = Frame { return_data: vec![1], ..Frame::ewasm() };
    frame.call("create2", &[VALUE_AT, 0, 33, VALUE_AT, RESULT_AT]).0.unwrap();
    let message = frame.host.seen.last().unwrap();
    assert!(message.starts_with("Create2 static=false depth=4"), "{message}");
    assert!(message.ends_with("aa->0 code=0 value=5 input=33 salt=5"), "{message}");
    assert_eq!(frame.memory[RESULT_AT as usize..][..20], [0xcc; 20]);
    assert_eq!(frame.return_data, [] as [u8; 0]);
    // SSVM has the salt backwards.
    frame.options.compat = Compat::Ssvm;
    frame.call("create2", &[ZERO_AT, 0, 0, VALUE_AT, RESULT_AT]).0.unwrap();
    assert!(frame.host.seen.last().unwrap().ends_with("salt=0"));
    // A revert hands over its data and writes no address.
    let mut frame = Frame::ewasm();
    frame.host.outcome = Outcome { output: vec![6], ..Outcome::failure(StatusCode::Revert) };
    assert_eq!(frame.call("create", &[ZERO_AT, 0, 0, RESULT_AT]).0, Ok(2));
    assert_eq!((frame.memory[RESULT_AT as usize], &frame.return_data[..]), (0, &[6][..]));
    // Light failures cost the base price.
    let mut frame = Frame { return_data: vec![1], ..Frame::ewasm() };
    frame.message.depth = 1_024;
    let (result, used, _) = frame.call("create", &[ZERO_AT, 0, 0, RESULT_AT]);
    assert_eq!((result, used, frame.return_data.len()), (Ok(1), 32_000, 0));
    // EIP-3860: 2 a word, create2 6 more.
    for (name, args, words) in
        [("create", &[ZERO_AT, 0, 33, RESULT_AT][..], 4), ("create2", &[ZERO_AT, 0, 33, 0, RESULT_AT], 16)]
    {
        let mut frame = Frame::new(Schedule::V1, Revision::Shanghai);
        frame.host.outcome.gas_left = i64::MAX;
        assert_eq!(frame.call(name, args).1, 32_000 + words);
    }
}

#[test]
fn keccak_at_address_9() {
    for (schedule, revision, price) in [
        (Schedule::Ewasm, Revision::Prague, 700 + 6),
        (Schedule::Unit, Revision::Prague, 700 + 6),
        (Schedule::V1, Revision::Byzantium, 700 + 30 + 12),
        (Schedule::V1, Revision::Berlin, 100 + 30 + 12),
    ] {
        let mut frame = Frame::new(schedule, revision);
        frame.options.keccak_at_9 = KeccakAt9::On;
        frame.message.depth = 1_024;
        frame.memory[19] = 9;
        let (result, used, _) = frame.call("callStatic", &[0, ADDRESS_AT, 0, 33]);
        assert_eq!((result, used), (Ok(0), price));
        assert_eq!(frame.return_data, keccak256(&frame.memory[..33]).as_bytes());
        assert_eq!(frame.host.seen, [] as [String; 0]);
        assert_eq!(Prices::of(schedule, revision).call.0 + prices_of_words(schedule, revision), price);
        // Other kinds of call are the host's.
        assert_eq!(frame.call("callDelegate", &[0, ADDRESS_AT, 0, 33]).0, Ok(1), "too deep");
        frame.message.depth = 0;
        frame.call("callDelegate", &[0, ADDRESS_AT, 0, 33]).0.unwrap();
        assert!(frame.host.seen.last().unwrap().starts_with("DelegateCall"));
    }
    // Auto: always in `ewasm`, else before Istanbul.
    for (schedule, revision, on) in [
        (Schedule::Ewasm, Revision::Prague, true),
        (Schedule::V1, Revision::Petersburg, true),
        (Schedule::V1, Revision::Istanbul, false),
        (Schedule::Unit, Revision::Istanbul, false),
    ] {
        assert_eq!(KeccakAt9::Auto.is_on(schedule, revision), on);
    }
}

fn prices_of_words(schedule: Schedule, revision: Revision) -> u64 {
    let (at_once, a_word) = Prices::of(schedule, revision).keccak_at_9;
    at_once.0 + 2 * a_word
}
