# Each `(reset)` writes all that is volatile; a few of them once made a program of any size before it was refused.
#@ allow never-written
#@ test check
(def
    (volatile a0 1) (volatile a1 1) (volatile a2 1) (volatile a3 1) (volatile a4 1) (volatile a5 1) (volatile a6 1) (volatile a7 1) (volatile a8 1) (volatile a9 1)
    (volatile a10 1) (volatile a11 1) (volatile a12 1) (volatile a13 1) (volatile a14 1) (volatile a15 1) (volatile a16 1) (volatile a17 1) (volatile a18 1) (volatile a19 1)
    (volatile a20 1) (volatile a21 1) (volatile a22 1) (volatile a23 1) (volatile a24 1) (volatile a25 1) (volatile a26 1) (volatile a27 1) (volatile a28 1) (volatile a29 1)
    (volatile a30 1) (volatile a31 1) (volatile a32 1) (volatile a33 1) (volatile a34 1) (volatile a35 1) (volatile a36 1) (volatile a37 1) (volatile a38 1) (volatile a39 1)
    (volatile a40 1) (volatile a41 1) (volatile a42 1) (volatile a43 1) (volatile a44 1) (volatile a45 1) (volatile a46 1) (volatile a47 1) (volatile a48 1) (volatile a49 1)
    (volatile a50 1) (volatile a51 1) (volatile a52 1) (volatile a53 1) (volatile a54 1) (volatile a55 1) (volatile a56 1) (volatile a57 1) (volatile a58 1) (volatile a59 1)
    (volatile a60 1) (volatile a61 1) (volatile a62 1) (volatile a63 1) (volatile a64 1) (volatile a65 1) (volatile a66 1) (volatile a67 1) (volatile a68 1) (volatile a69 1)
    (volatile a70 1) (volatile a71 1) (volatile a72 1) (volatile a73 1) (volatile a74 1) (volatile a75 1) (volatile a76 1) (volatile a77 1) (volatile a78 1) (volatile a79 1)
    (volatile a80 1) (volatile a81 1) (volatile a82 1) (volatile a83 1) (volatile a84 1) (volatile a85 1) (volatile a86 1) (volatile a87 1) (volatile a88 1) (volatile a89 1)
    (volatile a90 1) (volatile a91 1) (volatile a92 1) (volatile a93 1) (volatile a94 1) (volatile a95 1) (volatile a96 1) (volatile a97 1) (volatile a98 1) (volatile a99 1)
)
(when (> (+ a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15 a16 a17 a18 a19 a20 a21 a22 a23 a24 a25 a26 a27 a28 a29 a30 a31 a32 a33 a34 a35 a36 a37 a38 a39 a40 a41 a42 a43 a44 a45 a46 a47 a48 a49 a50 a51 a52 a53 a54 a55 a56 a57 a58 a59 a60 a61 a62 a63 a64 a65 a66 a67 a68 a69 a70 a71 a72 a73 a74 a75 a76 a77 a78 a79 a80 a81 a82 a83 a84 a85 a86 a87 a88 a89 a90 a91 a92 a93 a94 a95 a96 a97 a98 a99) 5) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset) (reset))
#~ 1: error[E0601]: the program has 4240 instructions, and here passes the 255 that datapaths take
#~     help: each declaration and each operator is one; bind what is computed twice to a name
