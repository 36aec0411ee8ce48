//! The list of all ops: which forms each family has. Both back ends expand it.

/// Calls `$callback` with the type of every op, each in brackets.
macro_rules! for_each_op {
    ($callback:ident) => {
        $crate::interp::code::for_each_family! { expand_ops [$callback] }
    };
}
pub(crate) use for_each_op;

macro_rules! expand_ops {
    (
        [$callback:ident]
        commutative { $($com:ident $com_m:ident;)* }
        ordered { $($ord:ident $ord_m:ident;)* }
        compare { $($cmp:ident $br:ident $cmp_m:ident;)* }
        partial { $($par:ident $par_m:ident;)* }
        unary { $($un:ident $un_m:ident;)* }
        load { $($load:ident $load_ty:ident;)* }
        store { $($store:ident $store_ty:ident;)* }
        float_binary { $($fbin:ident $fbin_m:ident;)* }
        float_unary { $($fun:ident $fun_m:ident;)* }
        other { $($other:tt)* }
    ) => {
        $crate::interp::exec::fused::with_fused! {
            $callback
            $(
                [Bin<$com, S, S, ToAcc>] [Bin<$com, S, S, ToSlot>] [Bin<$com, S, I, ToAcc>] [Bin<$com, S, I, ToSlot>]
                [Bin<$com, A, S, ToAcc>] [Bin<$com, A, S, ToSlot>] [Bin<$com, A, I, ToAcc>] [Bin<$com, A, I, ToSlot>]
                [Bin<$com, S, K, ToAcc>] [Bin<$com, S, K, ToSlot>] [Bin<$com, A, K, ToAcc>] [Bin<$com, A, K, ToSlot>]
            )*
            $(
                [Bin<$ord, S, S, ToAcc>] [Bin<$ord, S, S, ToSlot>] [Bin<$ord, S, I, ToAcc>] [Bin<$ord, S, I, ToSlot>]
                [Bin<$ord, A, S, ToAcc>] [Bin<$ord, A, S, ToSlot>] [Bin<$ord, A, I, ToAcc>] [Bin<$ord, A, I, ToSlot>]
                [Bin<$ord, S, A, ToAcc>] [Bin<$ord, S, A, ToSlot>] [Bin<$ord, I, S, ToAcc>] [Bin<$ord, I, S, ToSlot>]
                [Bin<$ord, I, A, ToAcc>] [Bin<$ord, I, A, ToSlot>]
            )*
            $(
                [Bin<$cmp, S, S, ToAcc>] [Bin<$cmp, S, S, ToSlot>] [Bin<$cmp, S, I, ToAcc>] [Bin<$cmp, S, I, ToSlot>]
                [Bin<$cmp, A, S, ToAcc>] [Bin<$cmp, A, S, ToSlot>] [Bin<$cmp, A, I, ToAcc>] [Bin<$cmp, A, I, ToSlot>]
                [Bin<$cmp, S, A, ToAcc>] [Bin<$cmp, S, A, ToSlot>] [Bin<$cmp, I, S, ToAcc>] [Bin<$cmp, I, S, ToSlot>]
                [Bin<$cmp, I, A, ToAcc>] [Bin<$cmp, I, A, ToSlot>]
                [Branch<$cmp, S, S>] [Branch<$cmp, S, I>] [Branch<$cmp, A, S>] [Branch<$cmp, A, I>]
                [Branch<$cmp, S, A>] [Branch<$cmp, I, S>] [Branch<$cmp, I, A>]
            )*
            $([Try<$par, S, S, ToAcc>] [Try<$par, S, S, ToSlot>] [Try<$par, S, I, ToAcc>] [Try<$par, S, I, ToSlot>])*
            $([Un<$un, S, ToAcc>] [Un<$un, S, ToSlot>] [Un<$un, A, ToAcc>] [Un<$un, A, ToSlot>])*
            $(
                [Load<$load, S, ToAcc, false>] [Load<$load, S, ToSlot, false>]
                [Load<$load, A, ToAcc, false>] [Load<$load, A, ToSlot, false>]
                [Load<$load, I, ToAcc, false>] [Load<$load, I, ToSlot, false>]
                [Load<$load, S, ToAcc, true>] [Load<$load, S, ToSlot, true>]
                [Load<$load, A, ToAcc, true>] [Load<$load, A, ToSlot, true>]
            )*
            $(
                [Store<$store, S, S, false>] [Store<$store, A, S, false>] [Store<$store, S, A, false>]
                [Store<$store, S, I, false>] [Store<$store, A, I, false>] [Store<$store, S, S, true>]
                [Store<$store, I, S, false>] [Store<$store, I, A, false>] [Store<$store, I, I, false>]
            )*
            $([Bin<$fbin, S, S, ToAcc>] [Bin<$fbin, S, S, ToSlot>])*
            $([Un<$fun, S, ToAcc>] [Un<$fun, S, ToSlot>])*
            [Copy<0>] [Copy<1>] [Copy<2>] [Copy<3>] [Copy<4>] [Copy<5>] [Copy<6>] [Copy<7>]
            [Select<S, ToAcc>] [Select<S, ToSlot>] [Select<A, ToAcc>] [Select<A, ToSlot>]
            [GlobalGet<ToAcc>] [GlobalGet<ToSlot>] [GlobalSet<S>] [GlobalSet<A>]
            [MemorySize<ToAcc>] [MemorySize<ToSlot>]
            [Reverse<true, ToAcc>] [Reverse<true, ToSlot>] [Reverse<false, ToAcc>] [Reverse<false, ToSlot>]
            [BranchZero<S, false, false>] [BranchZero<A, false, false>]
            [BranchZero<S, true, false>] [BranchZero<A, true, false>]
            [BranchZero<S, false, true>] [BranchZero<A, false, true>]
            [BranchZero<S, true, true>] [BranchZero<A, true, true>]
            [Br<false>] [Br<true>] [BrTable<S>] [BrTable<A>] [Charge]
            [Call] [CallImport] [CallIndirect] [CallRef] [TailCall<0>] [TailCall<1>] [TailCall<2>] [TailCall<3>]
            [Return<0>] [Return<1>] [Return<2>] [Return<3>]
            [Break<Call>] [Break<CallImport>] [Break<CallIndirect>] [Break<CallRef>]
            [Break<Return<0>>] [Break<Return<1>>] [Break<Return<2>>] [Break<Return<3>>]
            [Break<TailCall<0>>] [Break<TailCall<1>>] [Break<TailCall<2>>] [Break<TailCall<3>>]
            [Break<Throw<0>>] [Break<Throw<1>>]
            [Slow] [Far] [Vector<0>] [Vector<1>] [TrapNow] [Translate] [Exit] [ReturnAcross]
            [TryTable] [Throw<0>] [Throw<1>]
        }
    };
}
pub(crate) use expand_ops;
