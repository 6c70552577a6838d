//! Datagrams that no good peer would send, and some that it would.

use std::net::Ipv6Addr;

use ccp_lang::{PrimitiveDef, PrimitiveTable, Program};
use ccp_wire::{
    Address, Alive, ChangeProgRepr, Create, EncodeError, FieldUpdate, FlowId, Hello, HelloFlags,
    Install, MeasureRepr, Message, Messages, ProgramUid, RECORD_LEN, Ready, UpdateFieldsRepr,
};

use crate::random::Random;

/// Makes datagrams. Everything it holds has a fixed size, so that it does not show in the count of
/// live bytes.
pub(crate) struct Garbage {
    pub(crate) random: Random,
    /// Programs that can run, to be installed as they are or with faults.
    programs: Vec<Program>,
    /// Flows that exist, or did.
    pub(crate) flows: Vec<FlowId>,
    datagram: Vec<u8>,
    /// What was sent before, to be sent again.
    past: Vec<Vec<u8>>,
    records: Vec<[u8; RECORD_LEN]>,
    numbers: Vec<u64>,
    updates: Vec<FieldUpdate>,
}

/// What a datagram holds, as a careful reader sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contents {
    /// Messages, those with faults included.
    pub(crate) messages: u64,
    /// Of them: those of which an agent keeps no count, since they are neither refused nor more
    /// than a part of others.
    pub(crate) uncounted: u64,
}

impl Contents {
    pub(crate) fn of(datagram: &[u8]) -> Self {
        let mut contents = Self::default();
        for message in Messages::new(datagram) {
            contents.messages += 1;
            contents.uncounted += u64::from(match message {
                Ok(Message::Address(_)) => true,
                Ok(Message::Measure(measure)) => measure.is_close(),
                _ => false,
            });
        }
        contents
    }
}

impl Garbage {
    pub(crate) fn new(seed: u64) -> Self {
        let sources = [
            "(def (Report (volatile acked 0))) (when true (:= Report.acked (+ Report.acked Ack.bytes_acked)) (report))",
            "(def (Report (volatile a 0) (b 7)) (c 9))
             (when (> Ack.lost_pkts_sample 0) (:= c (* c Flow.rate_incoming)) (:= Cwnd (/ Cwnd c)) (fallthrough))
             (when (> Micros 10) (:= Report.a (- Micros c)) (:= Rate (ewma 3 Report.a)) (report) (reset))",
            // For another datapath.
            "(def (Report (min 0))) (when true (:= Report.min Flow.min_rtt) (report))",
        ];
        let mut primitives = PrimitiveTable::standard();
        primitives.add(PrimitiveDef::num("Flow.min_rtt", 31)).unwrap();
        let compiler = ccp_lang::Compiler::new().allow_all().primitives(primitives);
        Self {
            random: Random::new(seed),
            programs: sources
                .iter()
                .map(|source| compiler.compile(source).unwrap().program)
                .collect(),
            flows: (0..8).map(FlowId).collect(),
            datagram: Vec::with_capacity(LARGEST),
            past: (0..16).map(|_| Vec::with_capacity(LARGEST)).collect(),
            records: Vec::with_capacity(300),
            numbers: Vec::with_capacity(110),
            updates: Vec::with_capacity(222),
        }
    }

    /// The next datagram.
    pub(crate) fn next(&mut self) -> &[u8] {
        self.datagram.clear();
        match self.random.below(16) {
            // Random bytes, most of them short: a header at random is seldom right.
            0 | 1 => {
                let len = self.random.below(96);
                self.random_bytes(len);
            }
            2 => {
                let len = self.random.below(2_000);
                self.random_bytes(len);
            }
            // As it should be.
            3..=5 => self.message(),
            // Cut off.
            6 | 7 => {
                self.message();
                let len = self.random.below(self.datagram.len());
                self.datagram.truncate(len);
            }
            // Some bytes changed.
            8 | 9 => {
                self.message();
                for _ in 0..=self.random.below(4) {
                    let at = self.random.below(self.datagram.len());
                    self.datagram[at] = self.random.number() as u8;
                }
            }
            // A length that lies.
            10 | 11 => {
                self.message();
                let true_len = self.datagram.len() as u16;
                let near =
                    [true_len.wrapping_sub(1), true_len.wrapping_add(1), true_len.wrapping_add(8)];
                let len = match self.random.below(3) {
                    0 => self.random.pick(&near),
                    1 => self.random.pick(&[0, 7, 8, 12, 16, u16::MAX]),
                    _ => self.random.number() as u16,
                };
                self.datagram[2..4].copy_from_slice(&len.to_le_bytes());
            }
            // A count inside that lies.
            12 => {
                self.message();
                let at = 8 + 4 * self.random.below(4);
                if let Some(count) = self.datagram.get_mut(at..at + 4) {
                    count.copy_from_slice(&(self.random.value() as u32).to_le_bytes());
                }
            }
            // Many in one.
            13 => {
                for _ in 0..self.random.below(6) {
                    self.message();
                }
                if self.random.one_in(3) {
                    let len = self.random.below(16);
                    self.random_bytes(len);
                }
            }
            // An old one again, out of order.
            14 => {
                let past = &self.past[self.random.below(self.past.len())];
                self.datagram.extend_from_slice(past);
            }
            // A kind nobody knows; now and then longer than any message.
            _ => {
                let len =
                    if self.random.one_in(256) { LARGEST } else { 8 + self.random.below(100) };
                self.random_bytes(len);
                self.datagram[2..4].copy_from_slice(&(len as u16).to_le_bytes());
                self.datagram[1] |= 1;
            }
        }
        let past = self.random.below(self.past.len());
        self.past[past].clone_from(&self.datagram);
        &self.datagram
    }

    /// The datagram that [`next`](Self::next) made last.
    pub(crate) fn last(&self) -> &[u8] {
        &self.datagram
    }

    /// Whether the last datagram may rightly change what the agent with the program of number 1
    /// does with this flow.
    pub(crate) fn concerns(&self, good: FlowId) -> bool {
        // A field of this class cannot be set, so that the whole message is refused.
        let is_refused =
            |mut fields: ccp_wire::UpdatesIter<'_>| fields.any(|field| field.class == PRIMITIVE);
        Messages::new(&self.datagram).flatten().any(|message| match message {
            Message::UpdateFields(update) => {
                update.flow == good && !is_refused(update.fields.iter())
            }
            Message::ChangeProg(change) => change.flow == good && !is_refused(change.fields.iter()),
            Message::Install(install) => {
                let limits = ccp_lang::Limits::default();
                install.program_uid.0 == 1
                    && Program::from_records(install.events, install.instrs, &limits).is_ok()
            }
            // A promise that the real agent would not keep.
            Message::Alive(alive) => (1..10_000).contains(&alive.interval_ms),
            _ => false,
        })
    }

    /// Adds a right message of any kind, with any contents.
    fn message(&mut self) {
        match self.random.below(12) {
            0 | 1 => self.create(),
            2 | 3 => self.measure(),
            4 => self.install(),
            5 | 6 => self.update(false),
            7 => self.update(true),
            8 => self.push(|buf| Ready { id: 7 }.encode(buf)),
            9 => {
                let hello = Hello {
                    flags: HelloFlags(self.random.number() as u32 & 3),
                    primitives: self.random.value(),
                    max_programs: self.random.value() as u32,
                    max_instrs: self.random.value() as u32,
                };
                self.push(|buf| hello.encode(buf));
            }
            10 => {
                let interval_ms = self.random.value() as u32;
                self.push(|buf| Alive { interval_ms }.encode(buf));
            }
            _ => {
                let address = Address::v6(self.flow(), Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
                self.push(|buf| address.encode(buf));
                self.create();
            }
        }
    }

    fn create(&mut self) {
        let create = Create {
            flow: self.flow(),
            init_cwnd: self.random.value() as u32,
            mss: self.random.value() as u32,
            cong_alg: self.random.pick(&["", "reno", "cubic", "\u{fc}nbekannt", LONGEST_NAME]),
            ..Create::default()
        };
        self.push(|buf| create.encode(buf));
    }

    fn measure(&mut self) {
        let flow = self.flow();
        if self.random.one_in(6) {
            return self.push(|buf| MeasureRepr::close(flow).encode(buf));
        }
        // As many fields as Reno's program reports, or another number.
        let len = if self.random.one_in(3) { self.random.below(111) } else { 10 };
        let mut fields = std::mem::take(&mut self.numbers);
        fields.clear();
        fields.extend((0..len).map(|_| self.random.value()));
        let program_uid = ProgramUid(self.random.pick(&[1, 1, 1, 2, u32::MAX]));
        self.push(|buf| MeasureRepr { flow, program_uid, fields: &fields }.encode(buf));
        self.numbers = fields;
    }

    fn install(&mut self) {
        let program_uid = ProgramUid(self.random.pick(&[0, 1, 2, 3, 4, 900, u32::MAX]));
        let mut records = std::mem::take(&mut self.records);
        records.clear();
        let mut num_events = self.random.below(4);
        if self.random.one_in(4) {
            for _ in 0..self.random.below(300) {
                records.push(self.record());
            }
            num_events = num_events.min(records.len());
        } else {
            let program = &self.programs[self.random.below(self.programs.len())];
            let good = program.code().to_records();
            num_events = good.events.len();
            records.extend(good.events.iter().chain(&good.instrs));
            // None, or some faults.
            for _ in 0..self.random.below(3) {
                let record = self.random.below(records.len());
                let byte = self.random.below(RECORD_LEN);
                records[record][byte] = self.random.number() as u8;
            }
        }
        let (events, instrs) = records.split_at(num_events);
        self.push(|buf| Install { program_uid, events, instrs }.encode(buf));
        self.records = records;
    }

    /// A record with the look of an instruction.
    fn record(&mut self) -> [u8; RECORD_LEN] {
        let mut record = [0; RECORD_LEN];
        record[0] = self.random.below(16) as u8;
        for register in record[1..].chunks_mut(5) {
            register[0] = self.random.below(10) as u8;
            register[1] = self.random.below(12) as u8;
        }
        record
    }

    fn update(&mut self, with_program: bool) {
        let flow = self.flow();
        let mut fields = std::mem::take(&mut self.updates);
        fields.clear();
        let most = if self.random.one_in(20) { 100 } else { 6 };
        let any_class = self.random.one_in(3);
        for _ in 0..self.random.below(most) {
            let class =
                if any_class { self.random.below(10) as u8 } else { self.random.pick(&[0, 8, 2]) };
            let index = if class == 2 {
                4 + self.random.below(2) as u32
            } else {
                self.random.below(115) as u32
            };
            fields.push(FieldUpdate { class, index, value: self.random.value() });
        }
        if with_program {
            let program_uid = ProgramUid(self.random.below(6) as u32);
            self.push(|buf| ChangeProgRepr { flow, program_uid, fields: &fields }.encode(buf));
        } else {
            self.push(|buf| UpdateFieldsRepr { flow, fields: &fields }.encode(buf));
        }
        self.updates = fields;
    }

    /// A flow that exists, one of its earlier or later generations, or any number.
    fn flow(&mut self) -> FlowId {
        let known = self.random.pick(&self.flows);
        match self.random.below(8) {
            0 => FlowId(self.random.number() as u32),
            1 => FlowId(self.random.below(300) as u32),
            2 => FlowId(known.0.wrapping_add(1 << 20)),
            3 => FlowId(known.0 ^ (1 << self.random.below(32))),
            _ => known,
        }
    }

    fn push(&mut self, encode: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>) {
        let at = self.datagram.len();
        if at + LARGEST_MESSAGE > LARGEST {
            return;
        }
        self.datagram.resize(at + LARGEST_MESSAGE, 0);
        let len = encode(&mut self.datagram[at..]).unwrap_or(0);
        self.datagram.truncate(at + len);
    }

    fn random_bytes(&mut self, len: usize) {
        let at = self.datagram.len();
        self.datagram.resize(at + len, 0);
        self.random.fill(&mut self.datagram[at..]);
    }
}

/// More than an agent's buffer holds.
const LARGEST: usize = 66_000;
/// An Install of 304 records.
const LARGEST_MESSAGE: usize = 8 << 10;
const LONGEST_NAME: &str = match str::from_utf8(&[b'x'; 63]) {
    Ok(name) => name,
    Err(_) => "",
};
const PRIMITIVE: u8 = 4;
