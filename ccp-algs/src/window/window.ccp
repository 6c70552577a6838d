# What a window-based algorithm does with each ACK: slow start and its end, one reduction a round, recovery, and growth
# in congestion avoidance at the price that the agent names. It reports once a round trip (or as `floor` and `every`
# say), and at once when a loss, a mark, a timeout, a repair's end, an undone reduction or the end of slow start is news.
#
# The first event falls through, which holds for the whole invocation: all events are steps of one sequence. As it
# stands, no HyStart ends slow start. A line that begins with a mark is for a variant, where it stands without the mark:
# `#rfc9406` with HyStart++, `#linux` with the kernel's HyStart.
(def
    (Report
        (volatile event 0)   # 0 none, 1 loss, 2 mark, 3 timeout, 4 undone, 5 repaired, 6 end of slow start
        (volatile acked 0)   # bytes acknowledged in avoidance while the window was the limit
        (volatile minrtt +infinity)
        (volatile flight 0)  # most bytes in flight, what the ACK delivered included
        (volatile idle 0)    # microseconds
        (srtt 0)             # smoothed RTT, microseconds; 0 before the first sample
        (cwnd 0)             # the window as the last invocation left it
        (prior 0)            # the window before the last reduction
        (credit 0)           # bytes acknowledged that have not yet made a segment
        (now 0)
    )
    (mss 1448)
    (every +infinity)  # a report is due after min(every, RTT), but not before floor
    (floor 0)
    (betaLoss 64000)   # what a loss leaves of the window, and what a mark does, in 1/128000
    (betaMark 64000)
    (per 0)            # bytes to be acknowledged for a segment more; 0: a window
    (most +infinity)   # the largest window that the datapath can hold
    (ssthresh +infinity)
    (before 0)         # ssthresh before the last reduction
    (left 0)           # bytes to be delivered before a loss is news again
    (prr false)        # whether a reduction is being carried out
    (beta 64000)       # the part of the window that it leaves
    (prrDelivered 0)
    (prrBase 0)        # in flight when it began, without what was lost since
    #rfc9406 (roundLeft 0)        # bytes to be delivered before the next round of slow start
    #linux (roundLeft 0)          # bytes to be delivered before the next round of slow start
    #rfc9406 (roundMin +infinity) # least RTT of this round, of the last one, of all
    #rfc9406 (lastMin +infinity)
    #linux (least +infinity)      # least RTT of all
    #rfc9406 (samples 0)          # RTT samples in this round
    #rfc9406 (baseline +infinity) # of conservative slow start; infinity when not in it
    #rfc9406 (cssRounds 0)        # rounds in it
    #rfc9406 (perAck +infinity)   # the most that one ACK adds
    #linux (wait 9)               # high RTT samples until they tell of a rise; infinity after a low one
    #linux (roundStart 0)
    #linux (lastNear 0)           # time of the last ACK of the train
    #linux (trains 1)             # how many trains fill a round: 2 when the transport does not pace
)

# What the ACK brought.
(when true
    (fallthrough)
    (:= arrived (* (+ Ack.packets_acked Ack.packets_misordered) mss))
    (:= lost (* Ack.lost_pkts_sample mss))
    (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
    #linux (:= least (min least Flow.rtt_sample_us))
    (:= Report.flight (max Report.flight (+ Flow.bytes_in_flight arrived)))
    (:= Report.idle (+ Report.idle Flow.idle_us))
    (:= Report.now Ack.now)
    (:= part Report.srtt)
    (:= part (if (< Flow.rtt_sample_us +infinity) Flow.rtt_sample_us))
    (:= Report.srtt (ewma 9 part))
    # A repair lasts until what was in flight has been delivered, and that of losses as long as the transport says.
    (:= left (max (- left (min left arrived)) (min left (/ Flow.recovery 2))))
)

# The transport took the window down by itself, after idle time: three quarters are remembered (`tcp_cwnd_restart`).
(when (&& (< (+ Cwnd mss) Report.cwnd) (! Flow.was_timeout))
    (:= ssthresh (max ssthresh (- Report.cwnd (/ Report.cwnd 4))))
)

# The last reduction was for nothing: that is said, or the transport has given the window back (RFC 9438, section 4.9).
(when (|| Flow.undone (&& (< Report.cwnd Report.prior) (>= Cwnd Report.prior)))
    (:= Cwnd (max Cwnd Report.prior))
    (:= ssthresh (max ssthresh before))
    (:= left 0)
    (:= prr false)
    (:= Report.event 4)
)

# A reduction is done.
(when (&& prr (== left 0))
    (:= Cwnd ssthresh)
    (:= prr false)
    (:= Report.event 5)
)

# A loss, a mark or a timeout that is news: one reduction, from the window (RFC 5681, section 3.1). An ACK with marks
# and without losses has more marked packets than lost bytes.
(when (&& (== left 0) (|| Flow.was_timeout (> (+ lost Ack.ecn_packets) 0)))
    (:= Report.event 1)
    (:= Report.event (if (> Ack.ecn_packets lost) 2))
    (:= beta betaLoss)
    (:= beta (if (> Ack.ecn_packets lost) betaMark))
    (:= before ssthresh)
    (:= Report.prior Cwnd)
    (:= Report.prior (if Flow.was_timeout Report.cwnd))
    (:= ssthresh (max (* 2 mss) (/ (* Report.prior beta) 128000)))
    (:= Report.credit 0)
    #rfc9406 (:= baseline +infinity)
    (:= prr true)
    (:= prrDelivered 0)
    (:= prrBase (+ Flow.bytes_in_flight (+ arrived lost)))
    # The last packet in flight is found lost only by three later ones.
    (:= left (+ prrBase (* 3 mss)))
)

# A timeout starts over; within a repair it cuts nothing more (RFC 5681, section 3.1; `tcp_enter_loss`).
(when Flow.was_timeout
    (:= Report.event 3)
    (:= Cwnd (+ Flow.bytes_in_flight mss))
    (:= left (max left Report.prior))
    (:= prr false)
    #linux (:= roundLeft 0)
    #linux (:= least +infinity)
)

# Proportional rate reduction (RFC 9937, section 6): the window is what is in flight and what may be sent now.
(when prr
    (:= prrDelivered (+ prrDelivered arrived))
    (:= prrBase (- (max prrBase lost) lost))
    (:= out (- (max (+ Flow.bytes_in_flight prrDelivered) prrBase) prrBase))
    (:= send (max arrived (- (max prrDelivered out) out)))
    (:= send (if (&& (> Ack.bytes_acked 0) (== lost 0)) (+ send mss)))
    (:= send (min send (- (max ssthresh Flow.bytes_in_flight) Flow.bytes_in_flight)))
    (:= part (+ (/ (* prrDelivered beta) 128000) 1))
    (:= send (if (> Flow.bytes_in_flight ssthresh) (- (max part out) out)))
    (:= send (if (== out 0) (max send mss)))
    (:= Cwnd (+ Flow.bytes_in_flight send))
)

#rfc9406 # HyStart++ in the first slow start (RFC 9406): a round is what was in flight when it began.
#rfc9406 (when (> ssthresh 4294967294)
#rfc9406     (:= flag (== roundLeft 0))
#rfc9406     (:= roundLeft (if flag (+ Flow.bytes_in_flight arrived)))
#rfc9406     (:= lastMin (if flag roundMin))
#rfc9406     (:= roundMin (if flag +infinity))
#rfc9406     (:= samples (if flag 0))
#rfc9406     (:= cssRounds (if flag (+ cssRounds 1)))
#rfc9406     (:= roundLeft (- roundLeft (min roundLeft arrived)))
#rfc9406     (:= samples (if (< Flow.rtt_sample_us +infinity) (+ samples 1)))
#rfc9406     (:= roundMin (min roundMin Flow.rtt_sample_us))
#rfc9406     # A round of too few samples says nothing.
#rfc9406     (:= part +infinity)
#rfc9406     (:= part (if (> samples 7) roundMin))
#rfc9406     # Back to slow start when the rise was a jitter.
#rfc9406     (:= baseline (if (< part baseline) +infinity))
#rfc9406     (:= cssRounds (!if (< baseline +infinity) 0))
#rfc9406     (:= flag (< part (+ lastMin (max 4ms (min 16ms (/ lastMin 8))))))
#rfc9406     (:= flag (|| flag (< baseline part)))
#rfc9406     (:= baseline (!if flag part))
#rfc9406     (:= flag (> cssRounds 4))
#rfc9406     (:= ssthresh (if flag Cwnd))
#rfc9406     (:= Report.event (if flag 6))
#rfc9406 )

#linux # The kernel's HyStart: a train of ACKs longer than the path, or a rise of the RTT, ends slow start. A round
#linux # is what was in flight when it began; from 16 segments on it is looked at.
#linux (when (&& (< Cwnd ssthresh) (== roundLeft 0))
#linux     (:= roundLeft (+ Flow.bytes_in_flight arrived))
#linux     (:= wait 9)
#linux     (:= roundStart Ack.now)
#linux     (:= lastNear Ack.now)
#linux )
#linux # A train may be longer than the path by what four paced bursts of 64 kB take, a millisecond at most.
#linux # Without pacing half of all that is long enough: then only the path spaces ACKs.
#linux (when (&& (! prr) (&& (< Cwnd ssthresh) (> Cwnd (* 15 mss))))
#linux     (:= wait (if (< Flow.rtt_sample_us +infinity) (- (max wait 1) 1)))
#linux     (:= wait (if (< Flow.rtt_sample_us (+ least (max 4ms (min 16ms (/ least 8))))) +infinity))
#linux     (:= flag (< Ack.now (+ lastNear 2001us)))
#linux     (:= lastNear (if flag Ack.now))
#linux     (:= send (/ (+ least (min 1ms (/ (* 131072 Report.srtt) Cwnd))) trains))
#linux     (:= flag (|| (== wait 0) (&& flag (> Ack.now (+ roundStart send)))))
#linux     (:= ssthresh (if flag Cwnd))
#linux     (:= Report.event (if flag 6))
#linux )

# Growth, by what was delivered, with the ACKs that move the left edge, while the window is in use.
(when (&& (! prr) (> Ack.bytes_acked 0))
    (:= fresh (min arrived Ack.bytes_acked))
    (:= send (min fresh (- (max ssthresh Cwnd) Cwnd)))
    #rfc9406 (:= send (min send perAck))
    #rfc9406 (:= send (if (< baseline +infinity) (/ send 4)))
    (:= send (!if (< Cwnd (* 2 Report.flight)) 0))
    (:= Cwnd (+ Cwnd send))
    (:= Report.event (if (&& (> send 0) (== Cwnd ssthresh)) 6))
    # What slow start left over is for avoidance.
    (:= fresh (- fresh send))
    (:= fresh (if (< Cwnd ssthresh) 0))
    (:= fresh (!if (< Cwnd (+ Report.flight (* 3 mss))) 0))
    (:= Report.acked (+ Report.acked fresh))
    (:= part per)
    (:= part (if (== per 0) (max Cwnd 1)))
    # What was collected at a higher price makes one segment, not many at once.
    (:= Report.credit (+ (min Report.credit part) fresh))
    (:= send (/ Report.credit part))
    (:= Report.credit (- Report.credit (* send part)))
    (:= Cwnd (min most (+ Cwnd (* send mss))))
)

(when true
    (:= Report.cwnd Cwnd)
    #linux (:= roundLeft (- roundLeft (min roundLeft arrived)))
)
(when (|| (> Report.event 0) (>= Micros (max floor (min every Flow.rtt_sample_us))))
    (report)
    (reset)
)
