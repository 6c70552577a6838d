//! `ccp flows`: the live flows of this machine's agents.

use std::io::{self, IsTerminal, Write};
use std::thread;

use ccp_ebpf::page::Governor;
use ccp_ebpf::watch::{AgentState, FlowState, View};
use serde_json::json;

use crate::Failure;
use crate::args::Flows;

/// Prints the flows once, or again and again until it is ended.
pub(crate) fn flows(args: &Flows) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    loop {
        let mut views = View::all().map_err(|error| {
            let error = anyhow::Error::new(error);
            Failure::Machine(error.context("flows cannot be looked at; that needs CAP_SYS_ADMIN"))
        })?;
        // What is left of a dead agent is there as long as one of its sockets.
        views.retain(|(view, agent)| {
            let lives = agent.and_then(|agent| agent.silent_us).is_none_or(|us| us < SILENT_US);
            lives || !view.flows().is_empty()
        });
        if args.json {
            print_json(&mut out, &views)?;
        } else {
            if args.watch.is_some() && out.is_terminal() {
                // Home, and what is below falls away.
                write!(out, "\x1b[H\x1b[J")?;
            }
            print_table(&mut out, &views)?;
        }
        out.flush()?;
        match args.watch {
            Some(every) => thread::sleep(every),
            None => return Ok(()),
        }
    }
}

/// One object a flow. All numbers are those of the flow's last ACK.
fn print_json(out: &mut impl Write, views: &[(View, Option<AgentState>)]) -> io::Result<()> {
    for (view, agent) in views {
        for flow in view.flows() {
            let object = json!({
                "flow": flow.flow,
                "local": flow.local.to_string(),
                "peer": flow.peer.to_string(),
                "asked": flow.asked,
                "governor": governor(&flow),
                "cwnd_packets": flow.cwnd,
                "ssthresh_packets": flow.ssthresh,
                "mss_bytes": flow.mss,
                "pacing_bytes_per_s": flow.pacing_rate,
                "srtt_us": flow.srtt_us,
                "delivered_packets": flow.delivered,
                "lost_packets": flow.lost,
                "timeouts": flow.timeouts,
                "traps": flow.traps,
                "reports": flow.reports,
                "reports_lost": flow.reports_lost,
                "uid": flow.uid,
                "netns": flow.netns,
                "age_us": flow.age_us,
                "agent_silent_us": agent.and_then(|agent| agent.silent_us),
            });
            writeln!(out, "{object}")?;
        }
    }
    Ok(())
}

fn print_table(out: &mut impl Write, views: &[(View, Option<AgentState>)]) -> io::Result<()> {
    if views.is_empty() {
        return writeln!(out, "no agent governs Linux TCP here; `ccp run --ipc ebpf` starts one");
    }
    for (view, agent) in views {
        let flows = view.flows();
        if let Some(agent) = agent {
            write!(out, "{} flows", flows.len())?;
            match agent.silent_us {
                Some(us) if us > SILENT_US => {
                    write!(out, "; the agent has shown no life for {:.1} s", us as f64 / 1e6)?;
                }
                Some(_) => {}
                None => write!(out, "; the agent has not shown any life yet")?,
            }
            if agent.no_slot > 0 {
                let n = agent.no_slot;
                write!(out, "; {n} had no slot (--max-flows) and run under the fallback")?;
            }
            writeln!(out)?;
        }
        if flows.is_empty() {
            continue;
        }
        writeln!(
            out,
            "{:<24} {:<24} {:<10} {:<9} {:>7} {:>8} {:>10} {:>9} {:>10} {:>7} {:>5} {:>8}",
            "local",
            "peer",
            "asked",
            "governor",
            "cwnd",
            "ssthresh",
            "pacing",
            "srtt",
            "delivered",
            "lost",
            "traps",
            "reports"
        )?;
        for flow in flows {
            let ssthresh = flow.ssthresh.map_or_else(|| "-".into(), |packets| packets.to_string());
            let asked = if flow.asked.is_empty() { "-" } else { &flow.asked };
            writeln!(
                out,
                "{:<24} {:<24} {:<10} {:<9} {:>7} {:>8} {:>10} {:>7.1}ms {:>10} {:>7} {:>5} {:>8}",
                flow.local.to_string(),
                flow.peer.to_string(),
                asked,
                governor(&flow),
                flow.cwnd,
                ssthresh,
                rate(flow.pacing_rate),
                flow.srtt_us as f64 / 1e3,
                flow.delivered,
                flow.lost,
                flow.traps,
                flow.reports
            )?;
        }
    }
    Ok(())
}

fn governor(flow: &FlowState) -> &'static str {
    match flow.governor {
        Some(Governor::Agent) => "agent",
        Some(Governor::Fallback) => "fallback",
        Some(Governor::Transport) => "kernel",
        None => "?",
    }
}

/// Bytes per second as bits per second.
fn rate(bytes_per_s: u64) -> String {
    let bits = bytes_per_s as f64 * 8.0;
    match bits {
        _ if bits >= 1e9 => format!("{:.1}Gbit", bits / 1e9),
        _ if bits >= 1e6 => format!("{:.1}Mbit", bits / 1e6),
        _ => format!("{:.1}kbit", bits / 1e3),
    }
}

/// How long an agent may say nothing before it is worth a word: longer than any keeps still.
const SILENT_US: u64 = 500_000;
