# What happened between two reports, one each `period`.
(def
    (Report
        (volatile acked 0)
        (volatile lost 0)
        (volatile timeout false)
        (minrtt +infinity)
    )
    (period 10ms)
#~ 6: note[L0202]: `period` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
)
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))
    (:= Report.timeout Flow.was_timeout)
    (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
    (fallthrough)
#~ 5: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     24:2: this event looks as if it stopped the evaluation
#~     28:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
)
(when (|| Report.timeout (> Report.lost 0))
    (report)
    (:= Micros 0)
)
(when (> Micros period)
    (report)
    (:= Micros 0)
)
#@ test asm
#|    0  DEF     vreport.0, #0
#|    1  DEF     vreport.1, #0
#|    2  DEF     report.3, #inf
#|    3  DEF     vreport.2, #0
#|    4  DEF     control.0, #10000
#| event 0: flag 5..6, body 6..14
#|    5  BIND    eventFlag, #1
#|    6  ADD     tmp.0, vreport.0, Ack.bytes_acked
#|    7  BIND    vreport.0, tmp.0
#|    8  ADD     tmp.0, vreport.1, Ack.lost_pkts_sample
#|    9  BIND    vreport.1, tmp.0
#|   10  BIND    vreport.2, Flow.was_timeout
#|   11  MIN     tmp.0, report.3, Flow.rtt_sample_us
#|   12  BIND    report.3, tmp.0
#|   13  BIND    shouldContinue, #1
#| event 1: flag 14..16, body 16..18
#|   14  GT      tmp.0, vreport.1, #0
#|   15  MAX     eventFlag, vreport.2, tmp.0
#|   16  BIND    shouldReport, #1
#|   17  BIND    Micros, #0
#| event 2: flag 18..19, body 19..21
#|   18  GT      eventFlag, Micros, control.0
#|   19  BIND    shouldReport, #1
#|   20  BIND    Micros, #0
