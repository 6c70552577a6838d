# One program at every stage.
(def (Report (volatile acked 0) (minrtt +infinity)) (period 10ms))
#~ 54: note[L0202]: `period` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (bind Report.minrtt (min Report.minrtt Flow.rtt_sample_us 1s))
    (fallthrough)
)
(when (|| (>= Micros period) Flow.was_timeout)
    (:= Cwnd (if (!= Report.acked 0) (+ Cwnd (/ (* 1448 Report.acked) Cwnd))))
    (report)
    (reset)
)
#@ test ast
#| (def
#|     (volatile Report.acked 0)
#|     (Report.minrtt +infinity)
#|     (period 10000))
#| (when true
#|     (:= Report.acked (+ Report.acked Ack.bytes_acked))
#|     (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us 1000000))
#|     (fallthrough))
#| (when (|| (>= Micros period) Flow.was_timeout)
#|     (:= Cwnd (if (!= Report.acked 0) (+ Cwnd (/ (* 1448 Report.acked) Cwnd))))
#|     (report)
#|     (reset))
#@ test ir
#| vreport.0 = #0
#| report.1 = #inf
#| control.0 = #10000
#| when
#|     eventFlag ← BIND #1
#| do
#|     %1 ← ADD vreport.0, Ack.bytes_acked
#|     vreport.0 ← BIND %1
#|     %3 ← MIN report.1, Flow.rtt_sample_us
#|     %4 ← MIN %3, #1000000
#|     report.1 ← BIND %4
#|     shouldContinue ← BIND #1
#| when
#|     %7 ← LT Micros, control.0
#|     %8 ← EQUIV %7, #0
#|     eventFlag ← MAX %8, Flow.was_timeout
#| do
#|     %10 ← EQUIV vreport.0, #0
#|     %11 ← EQUIV %10, #0
#|     %12 ← MUL #1448, vreport.0
#|     %13 ← DIV %12, Cwnd
#|     %14 ← ADD Cwnd, %13
#|     Cwnd ← IF %11, %14
#|     shouldReport ← BIND #1
#|     Micros ← BIND #0
#@ test asm
#|    0  DEF     vreport.0, #0
#|    1  DEF     report.1, #inf
#|    2  DEF     control.0, #10000
#| event 0: flag 3..4, body 4..10
#|    3  BIND    eventFlag, #1
#|    4  ADD     tmp.0, vreport.0, Ack.bytes_acked
#|    5  BIND    vreport.0, tmp.0
#|    6  MIN     tmp.0, report.1, Flow.rtt_sample_us
#|    7  MIN     tmp.1, tmp.0, #1000000
#|    8  BIND    report.1, tmp.1
#|    9  BIND    shouldContinue, #1
#| event 1: flag 10..13, body 13..21
#|   10  LT      tmp.0, Micros, control.0
#|   11  EQUIV   tmp.1, tmp.0, #0
#|   12  MAX     eventFlag, tmp.1, Flow.was_timeout
#|   13  EQUIV   tmp.0, vreport.0, #0
#|   14  EQUIV   tmp.1, tmp.0, #0
#|   15  MUL     tmp.2, #1448, vreport.0
#|   16  DIV     tmp.3, tmp.2, Cwnd
#|   17  ADD     tmp.4, Cwnd, tmp.3
#|   18  IF      Cwnd, tmp.1, tmp.4
#|   19  BIND    shouldReport, #1
#|   20  BIND    Micros, #0
#@ test asm full
#|    0  DEF     vreport.0, #0
#|    1  DEF     report.1, #inf
#|    2  DEF     control.0, #10000
#| event 0: flag 3..4, body 4..8
#|    3  BIND    eventFlag, #1
#|    4  ADD     vreport.0, vreport.0, Ack.bytes_acked
#|    5  MIN     tmp.0, report.1, Flow.rtt_sample_us
#|    6  MIN     report.1, tmp.0, #1000000
#|    7  BIND    shouldContinue, #1
#| event 1: flag 8..11, body 11..17
#|    8  LT      tmp.0, Micros, control.0
#|    9  EQUIV   tmp.0, tmp.0, #0
#|   10  MAX     eventFlag, tmp.0, Flow.was_timeout
#|   11  MUL     tmp.0, #1448, vreport.0
#|   12  DIV     tmp.0, tmp.0, Cwnd
#|   13  ADD     tmp.0, Cwnd, tmp.0
#|   14  IF      Cwnd, vreport.0, tmp.0
#|   15  BIND    shouldReport, #1
#|   16  BIND    Micros, #0
#@ test run
#@ ack bytes_acked=1448 rtt_sample_us=20000 now=5000
#= cwnd=14480
#@ ack bytes_acked=2896 rtt_sample_us=15000 now=10000
#= cwnd=14480
#@ ack was_timeout=1 now=10001
#= cwnd=14914 report=[4344, 15000]
