//! Code: uploaded, kept once, validated again after an upgrade, removed.

use super::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok};
use gristmill::contract::{CallKind, Host, Message, Outcome, Revision, StatusCode, Vm, create_address, keccak256};

fn upload(who: &sp_runtime::AccountId32, code: &[u8]) -> Bytes32 {
    assert_ok!(Contracts::upload_code(signed(who), code.to_vec(), MUCH));
    keccak256(code)
}

fn info(hash: Bytes32) -> CodeInfo<Test> {
    CodeInfoOf::<Test>::get(hash).expect("the code is there")
}

#[test]
fn contracts_are_made_of_uploaded_code() {
    chain(|| {
        let hash = upload(&BOB, &deployer(&keeper()));
        let make = |salt| Contracts::instantiate(signed(&ALICE), 0, PLENTY, MUCH, hash, vec![], salt);
        assert_ok!(make(None));
        assert_ok!(make(Some([1; 32])));
        let contract = create_address(&address(&ALICE), 0);
        assert_ok!(call(contract, &set(1, 2)));
        assert_eq!(slot(contract, 1), 2);
        assert_eq!(info(keccak256(&Contracts::code(&contract))).users, 2);
        let unknown = Bytes32::repeat_byte(1);
        let missing = Contracts::instantiate(signed(&ALICE), 0, PLENTY, MUCH, unknown, vec![], None);
        assert_eq!(missing.unwrap_err().error, Error::<Test>::CodeNotFound.into());
    });
}

#[test]
fn only_contracts_are_kept() {
    chain(|| {
        let upload = |code: Vec<u8>| Contracts::upload_code(signed(&ALICE), code, MUCH);
        assert_noop!(upload(b"grain".to_vec()), Error::<Test>::CodeRejected);
        assert_noop!(upload(b"\0asm\x01\0\0\0".to_vec()), Error::<Test>::CodeRejected);
        let floats = r#"(module (memory (export "memory") 1) (func (export "main") (drop (f32.const 1))))"#;
        assert_noop!(upload(wat::parse_str(floats).unwrap()), Error::<Test>::CodeRejected);
        let large = r#"(module (memory (export "memory") 33) (func (export "main")))"#;
        assert_noop!(upload(wat::parse_str(large).unwrap()), Error::<Test>::CodeRejected);
        assert_noop!(upload(vec![0; 128 * 1024 + 1]), Error::<Test>::BlobTooLarge);
    });
}

#[test]
fn the_owner_removes_code_that_nobody_has() {
    chain(|| {
        let before = Balances::free_balance(&BOB);
        // A runtime module: its contracts are users of it.
        let code = wat::parse_str(keeper()).unwrap();
        let hash = upload(&BOB, &code);
        assert_eq!(Balances::free_balance(&BOB), before - info(hash).deposit);
        let contract = deploy(&keeper());
        assert_eq!(info(hash).users, 1, "the same bytes are the same code");
        let remove = |who| Contracts::remove_code(signed(&who), hash).map_err(|failed| failed.error);
        assert_eq!(remove(BOB).unwrap_err(), Error::<Test>::CodeInUse.into());
        assert_ok!(Contracts::set_code(
            RuntimeOrigin::root(),
            contract,
            upload(&ALICE, &deployer(&super::mock::contract("")))
        ));
        assert_eq!(remove(ALICE).unwrap_err(), DispatchError::BadOrigin);
        assert_eq!(remove(BOB).unwrap().pays_fee, Pays::No);
        assert_eq!(Balances::free_balance(&BOB), before);
        assert_eq!(remove(BOB).unwrap_err(), Error::<Test>::CodeNotFound.into());
    });
}

#[test]
fn who_uploads_what_contracts_left_pays_for_it() {
    chain(|| {
        deploy(&keeper());
        let (alice, bob) = (Balances::free_balance(&ALICE), Balances::free_balance(&BOB));
        let hash = upload(&BOB, &wat::parse_str(keeper()).unwrap());
        let CodeInfo { owner, deposit, uploaded, .. } = info(hash);
        assert_eq!((owner, uploaded), (BOB, true));
        assert_eq!(Balances::free_balance(&ALICE), alice + deposit);
        assert_eq!(Balances::free_balance(&BOB), bob - deposit);
        upload(&ALICE, &wat::parse_str(keeper()).unwrap());
        assert_eq!(info(hash).owner, BOB, "what was uploaded stays as it is");
    });
}

#[test]
fn root_sets_code() {
    chain(|| {
        let contract = deploy(&keeper());
        let old = keccak256(&Contracts::code(&contract));
        let hash = upload(&ALICE, &wat::parse_str(super::mock::contract("(unreachable)")).unwrap());
        assert_noop!(Contracts::set_code(signed(&ALICE), contract, hash), DispatchError::BadOrigin);
        let nobody = Address::repeat_byte(1);
        assert_noop!(Contracts::set_code(RuntimeOrigin::root(), nobody, hash), Error::<Test>::ContractNotFound);
        assert_noop!(
            Contracts::set_code(RuntimeOrigin::root(), contract, Bytes32::repeat_byte(1)),
            Error::<Test>::CodeNotFound
        );
        assert_ok!(Contracts::set_code(RuntimeOrigin::root(), contract, hash));
        assert_eq!(call(contract, &[]).unwrap_err().error, Error::<Test>::ContractTrapped.into());
        assert!(CodeInfoOf::<Test>::get(old).is_none(), "nobody has the old code, and nobody uploaded it");
        let event = Event::ContractCodeUpdated { contract, new_code_hash: hash, old_code_hash: old };
        System::assert_has_event(event.into());
    });
}

/// A VM that creates a contract whenever it is called, and takes any code.
struct Careless;

/// Bytes that have the magic, and that no engine takes.
const INVALID: &[u8] = b"\0asm\x01\0\0\0 no section";

impl Vm for Careless {
    fn execute(&self, host: &mut dyn Host, _: Revision, message: &Message<'_>, _: &[u8]) -> Outcome {
        let done = Outcome { gas_left: message.gas / 2, ..Outcome::failure(StatusCode::Success) };
        if message.kind.is_create() {
            return Outcome { output: INVALID.to_vec(), ..done };
        }
        let message = Message {
            kind: CallKind::Create,
            depth: message.depth + 1,
            gas: message.gas / 4,
            sender: message.recipient,
            input: b"\0asm\x01\0\0\0",
            ..*message
        };
        let created = host.call(&message).expect("the host takes creations");
        assert_eq!(created.status, StatusCode::Success);
        done
    }
}

#[test]
fn only_our_own_validation_counts() {
    chain(|| {
        let contract = deploy(&keeper());
        assert_eq!(info(keccak256(&Contracts::code(&contract))).validated_by, Some(7));
        assert_eq!(Contracts::call_on(&Careless, &ALICE, contract, vec![]), Ok(StatusCode::Success));
        assert_eq!(info(keccak256(INVALID)).validated_by, None);
        let left = create_address(&contract, 1);
        assert_eq!(Contracts::code(&left), INVALID);
        assert_eq!(call(left, &[]).unwrap_err().error, Error::<Test>::CodeRejected.into());
    });
}

#[test]
fn an_upgrade_validates_again_when_code_is_used() {
    chain(|| {
        let contract = deploy(&keeper());
        let hash = keccak256(&Contracts::code(&contract));
        assert_eq!(info(hash).validated_by, Some(7));
        let cheap = Contracts::dry_call(&ALICE, contract, U256::zero(), None, None, set(1, 1)).weight_consumed;
        SpecVersion::set(8);
        let dear = Contracts::dry_call(&ALICE, contract, U256::zero(), None, None, set(1, 1)).weight_consumed;
        assert!(dear.ref_time() > cheap.ref_time(), "validation is weighed: {dear} and {cheap}");
        assert_eq!(info(hash).validated_by, Some(7), "a dry run leaves nothing");
        assert_ok!(call(contract, &set(1, 1)));
        assert_eq!(info(hash).validated_by, Some(8));
    });
}
