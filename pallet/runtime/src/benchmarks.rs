//! Which pallets can be measured in this runtime.

frame_benchmarking::define_benchmarks!([pallet_gristmill, Contracts]);
