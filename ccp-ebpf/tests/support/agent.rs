//! An agent that is played by hand.

use std::time::Duration;

use ccp_ebpf::{EbpfSocket, Options};
use ccp_ipc::{Ipc, Received};
use ccp_lang::{Compiled, Reg, Scope};
use ccp_wire::{
    ChangeProgRepr, FieldUpdate, FlowId, Install, Message, Messages, ProgramUid, UpdateFieldsRepr,
};

use super::{options, word};

/// An agent played by hand.
pub(crate) struct Agent {
    pub(crate) socket: EbpfSocket,
    pub(crate) buf: Vec<u8>,
    pub(crate) name: String,
}

/// What an agent hears, without borrowing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Ready,
    Hello,
    Address([u8; 16]),
    Create(FlowId, u32, u32, String),
    Report(FlowId, u32, Vec<u64>),
    Close(FlowId),
}

impl Agent {
    pub(crate) fn start(wish: &str) -> Self {
        Self::with(options(wish))
    }

    pub(crate) fn with(options: Options) -> Self {
        let name = options.names[0].name.clone();
        let mut agent =
            Self { socket: EbpfSocket::start(options).unwrap(), buf: vec![0; 1 << 16], name };
        assert_eq!(agent.hear(), [Heard::Ready, Heard::Hello]);
        agent
    }

    /// The messages of the next datagram; none when nothing comes.
    pub(crate) fn listen(&mut self, patience: Duration) -> Vec<Heard> {
        match self.socket.recv(&mut self.buf, Some(patience)).unwrap() {
            Received::Datagram { len, .. } => {
                Messages::new(&self.buf[..len]).map(|m| Heard::of(&m.unwrap())).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn hear(&mut self) -> Vec<Heard> {
        let heard = self.listen(Duration::from_secs(10));
        assert!(!heard.is_empty(), "nothing came");
        heard
    }

    pub(crate) fn create(&mut self) -> FlowId {
        match self.hear()[..] {
            [.., Heard::Create(flow, ..)] => flow,
            ref other => panic!("{other:?}"),
        }
    }

    pub(crate) fn install(&self, uid: u32, source: &str) -> Scope {
        let Compiled { program, scope, .. } = ccp_lang::compile(source).unwrap();
        let records = program.code().to_records();
        let install = Install {
            program_uid: ProgramUid(uid),
            events: &records.events,
            instrs: &records.instrs,
        };
        let mut buf = vec![0; install.encoded_len()];
        install.encode(&mut buf).unwrap();
        self.socket.try_send(&buf, &()).unwrap();
        scope
    }

    pub(crate) fn change(&self, flow: FlowId, uid: u32, scope: &Scope, fields: &[(&str, u64)]) {
        let fields = &fields_of(scope, fields)[..];
        let change = ChangeProgRepr { flow, program_uid: ProgramUid(uid), fields };
        let mut buf = vec![0; change.encoded_len()];
        change.encode(&mut buf).unwrap();
        self.socket.try_send(&buf, &()).unwrap();
    }

    pub(crate) fn update(&self, flow: FlowId, scope: &Scope, fields: &[(&str, u64)]) {
        let fields = &fields_of(scope, fields)[..];
        let update = UpdateFieldsRepr { flow, fields };
        let mut buf = vec![0; update.encoded_len()];
        update.encode(&mut buf).unwrap();
        self.socket.try_send(&buf, &()).unwrap();
    }

    pub(crate) fn flow_word(&self, flow: FlowId, at: usize) -> u64 {
        self.socket.with_engine(|engine| word(engine, engine.stage().slot(flow), at)).unwrap()
    }
}

impl Heard {
    fn of(message: &Message<'_>) -> Self {
        match message {
            Message::Ready(_) => Self::Ready,
            Message::Hello(_) => Self::Hello,
            Message::Address(address) => Self::Address(address.dst),
            Message::Create(create) => Self::Create(
                create.flow,
                create.dst_ip,
                create.dst_port,
                create.cong_alg.to_owned(),
            ),
            Message::Measure(measure) if measure.is_close() => Self::Close(measure.flow),
            Message::Measure(measure) => {
                Self::Report(measure.flow, measure.program_uid.0, measure.fields.iter().collect())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn fields_of(scope: &Scope, fields: &[(&str, u64)]) -> Vec<FieldUpdate> {
    let reg = |name: &str| scope.get(name).unwrap().reg;
    let update = |&(name, value)| {
        let Reg { class, index, .. } = reg(name);
        FieldUpdate { class: class.code(), index, value }
    };
    fields.iter().map(update).collect()
}
