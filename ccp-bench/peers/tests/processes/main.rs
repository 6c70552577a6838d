//! Agents and datapaths, ours and the peers', in processes of their own on the unix transport.

mod our_agent;
mod our_datapath;
mod peers_alone;
mod program;
mod published;
