//! What several guests share.

pub mod blazeface;
pub mod storage;
