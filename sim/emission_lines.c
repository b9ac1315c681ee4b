/*
 * emission_lines.c - the line table.
 *
 * Wavelengths are vacuum laboratory values from Vanden Berk et al. (2001, AJ 122, 549), Table 2, with blends
 * split into their transitions. Equivalent widths of strong lines are based on theirs (Ly-alpha 93, Si IV + O
 * IV] 8, C IV 24, C III] 21, Mg II 32 A) but larger for C IV, because DESI's quasars are fainter than SDSS's
 * (Baldwin effect; Shen et al. 2011, ApJS 194, 45). Lines measured there above a local pseudo-continuum (N V,
 * He II, O III], Al III, Si III], ...) have the widths from decompositions of the blends (Laor et al. 1994,
 * ApJ 420, 110; Forster et al. 2001, ApJS 134, 35; Tytler & Fan 1992, ApJS 79, 1). The dependence on
 * luminosity is similar to Dietrich et al. (2002, ApJ 581, 912), steeper for higher ionization; the
 * dependence on the wind follows Richards et al. (2011, AJ 141, 167): with strong winds, C IV and He II are
 * weak, and Al III, Si III] and iron are strong.
 *
 * Iron: groups of multiplets at the wavelengths observed in I Zw 1 (Vestergaard & Wilkes 2001, ApJS 134, 1),
 * as blends that form a smooth pseudo-continuum, low near 2200 A and high above 2250 A. The "1600 A feature"
 * is the unidentified shelf between C IV and He II (Laor et al. 1994; Fine et al. 2010, MNRAS 409, 591).
 *
 * The strengths of weak lines and all scatters are estimates. They were adjusted until spectra drawn from this
 * table resembled real ones (docs/simulate.md): the median and scatter of the equivalent width of C IV in 31
 * BOSS and DESI quasars, how badly templates learnt from SDSS quasars (Guo & Martini 2019, ApJ 879, 72) fit the
 * blue wing and the core of C IV, and the mean residuals of those fits from 1260 to 2400 A.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "emission_lines.h"

/* clang-format off */
enum {
    CIII_977, NIII_991, LYB, OVI, SIV, PV, CIII_1176, LYA, NV, SIII_1262, OI, SIII_1307, CII, SIIV, OIV,
    NIV, SIII_1531, CIV, SHELF, HEII, OIII, ALII, NIII, SIII_1814, ALIII, SIIII, CIII, CII_2326, NEIV,
    OIII_3133, MGII, NEV, OII, NEIII, FEII_1300, FEII_1450, FEII_1620, FEII_1720, FEII_1786, FEII_1850,
    FEII_1970, FEII_2080, FEII_2200, FEII_2350, FEII_2500, FEII_2600, FEII_2740, FEII_2960, FEII_3200,
    FEII_3500, FEIII_UV34, FEIII_UV48, FEIII_1990, FEIII_2420
};

const struct fb_species fb_species_table[] = {
    /*              name               width scatter baldwin  EV1   wind breadth */
    [CIII_977] =   {"C III 977",         4.0,  0.28,  0.25, -0.05,  0.5, 1.10},
    [NIII_991] =   {"N III 991",         4.0,  0.28,  0.20,  0.00,  0.5, 1.10},
    [LYB] =        {"Ly-beta",           5.0,  0.28,  0.20, -0.10,  0.5, 1.00},
    [OVI] =        {"O VI 1034",        11.0,  0.21,  0.35, -0.15,  0.9, 1.10},
    [SIV] =        {"S IV 1063,1073",    1.2,  0.42,  0.15,  0.10,  0.5, 1.10},
    [PV] =         {"P V 1118,1128",     0.8,  0.42,  0.15,  0.10,  0.5, 1.10},
    [CIII_1176] =  {"C III* 1176",       1.5,  0.42,  0.15,  0.05,  0.3, 1.00},
    [LYA] =        {"Ly-alpha",         80.0,  0.17,  0.25, -0.15,  0.5, 1.00},
    [NV] =         {"N V 1240",         19.8,  0.24,  0.10,  0.10,  0.9, 1.10},
    [SIII_1262] =  {"Si II 1262",        3.5,  0.42,  0.10,  0.20,  0.2, 1.00},
    [OI] =         {"O I 1305",          2.2,  0.28,  0.15,  0.15,  0.1, 0.80},
    [SIII_1307] =  {"Si II 1307",        0.7,  0.39,  0.10,  0.20,  0.1, 0.90},
    [CII] =        {"C II 1335",         1.0,  0.32,  0.10,  0.15,  0.2, 0.90},
    [SIIV] =       {"Si IV 1397",        5.1,  0.21,  0.12,  0.05,  0.8, 1.20},
    [OIV] =        {"O IV] 1402",        5.6,  0.35,  0.25, -0.05,  0.8, 1.20},
    [NIV] =        {"N IV] 1486",        1.3,  0.56,  0.20, -0.10,  0.4, 1.00},
    [SIII_1531] =  {"Si II 1531",        1.3,  0.42,  0.10,  0.15,  0.2, 1.00},
    [CIV] =        {"C IV 1549",        42.0,  0.17,  0.35, -0.30,  0.9, 1.00},
    [SHELF] =      {"1600 A feature",    9.8,  0.35,  0.20, -0.05,  0.3, 1.50},
    [HEII] =       {"He II 1640",        4.7,  0.32,  0.40, -0.35,  0.9, 1.30},
    [OIII] =       {"O III] 1664",       3.6,  0.28,  0.30, -0.15,  0.4, 1.00},
    [ALII] =       {"Al II 1671",        0.8,  0.42,  0.10,  0.10,  0.2, 1.00},
    [NIII] =       {"N III] 1750",       1.7,  0.39,  0.15,  0.05,  0.3, 1.00},
    [SIII_1814] =  {"Si II 1814",        0.7,  0.45,  0.10,  0.20,  0.2, 1.00},
    [ALIII] =      {"Al III 1857",       2.5,  0.28,  0.05,  0.35,  0.4, 1.00},
    [SIIII] =      {"Si III] 1892",      3.1,  0.35,  0.10,  0.30,  0.2, 0.90},
    [CIII] =       {"C III] 1909",      18.2,  0.20,  0.25, -0.15,  0.2, 1.20},
    [CII_2326] =   {"C II] 2326",        2.1,  0.32,  0.15,  0.00,  0.0, 1.00},
    [NEIV] =       {"[Ne IV] 2424",      1.2,  0.42,  0.25, -0.20,  0.1, 0.50},
    [OIII_3133] =  {"O III 3133",        1.0,  0.49,  0.20, -0.20,  0.2, 0.60},
    [MGII] =       {"Mg II 2799",       32.0,  0.21,  0.20, -0.05,  0.0, 1.00},
    [NEV] =        {"[Ne V] 3427",       1.0,  0.49,  0.30, -0.20,  0.1, 0.30},
    [OII] =        {"[O II] 3728",       1.0,  0.49,  0.10, -0.20,  0.0, 0.15},
    [NEIII] =      {"[Ne III] 3870",     1.5,  0.42,  0.20, -0.20,  0.0, 0.20},
    [FEII_1300] =  {"Fe II 1260-1380",   0.6,  0.20,  0.10,  0.25,  0.1, 0.90},
    [FEII_1450] =  {"Fe II 1420-1530",   1.3,  0.20,  0.10,  0.25,  0.1, 0.90},
    [FEII_1620] =  {"Fe II 1570-1680",   1.6,  0.20,  0.10,  0.25,  0.1, 0.90},
    [FEII_1720] =  {"Fe II 1690-1760",   5.5,  0.20,  0.10,  0.25,  0.1, 0.90},
    [FEII_1786] =  {"Fe II UV 191",      1.8,  0.24,  0.05,  0.40,  0.0, 0.80},
    [FEII_1850] =  {"Fe II 1820-1890",   4.3,  0.20,  0.10,  0.25,  0.0, 0.90},
    [FEII_1970] =  {"Fe II 1940-2030",   0.9,  0.20,  0.10,  0.25,  0.0, 0.90},
    [FEII_2080] =  {"Fe II 2040-2150",   3.9,  0.20,  0.10,  0.25,  0.0, 0.90},
    [FEII_2200] =  {"Fe II 2150-2280",   3.0,  0.17,  0.10,  0.20,  0.0, 0.90},
    [FEII_2350] =  {"Fe II UV 2-3",     17.1,  0.14,  0.10,  0.20,  0.0, 0.80},
    [FEII_2500] =  {"Fe II 2430-2560",  16.0,  0.17,  0.10,  0.20,  0.0, 0.80},
    [FEII_2600] =  {"Fe II UV 1,64",    10.0,  0.21,  0.10,  0.20,  0.0, 0.80},
    [FEII_2740] =  {"Fe II UV 62-63",   10.0,  0.21,  0.10,  0.20,  0.0, 0.80},
    [FEII_2960] =  {"Fe II UV 60,78",    8.0,  0.24,  0.10,  0.20,  0.0, 0.80},
    [FEII_3200] =  {"Fe II 3100-3350",  12.0,  0.24,  0.10,  0.20,  0.0, 0.80},
    [FEII_3500] =  {"Fe II 3400-3650",   6.0,  0.32,  0.10,  0.20,  0.0, 0.80},
    [FEIII_UV34] = {"Fe III UV 34",      2.1,  0.28,  0.05,  0.35,  0.1, 0.90},
    [FEIII_UV48] = {"Fe III UV 48",      2.3,  0.24,  0.05,  0.25,  0.1, 0.90},
    [FEIII_1990] = {"Fe III UV 50-51",   1.2,  0.24,  0.05,  0.25,  0.1, 0.90},
    [FEIII_2420] = {"Fe III UV 47",      1.5,  0.24,  0.05,  0.25,  0.1, 0.90},
};
const int fb_species_count = (int)(sizeof fb_species_table / sizeof fb_species_table[0]);

const struct fb_transition fb_transition_table[] = {
    {CIII_977, 977.02, 1.00, 0},
    {NIII_991, 989.80, 0.35, 0},      {NIII_991, 991.58, 0.65, 0},
    {LYB, 1025.72, 1.00, 0},
    {OVI, 1031.93, 0.55, 0},          {OVI, 1037.62, 0.45, 0},
    {SIV, 1062.66, 0.40, 0},          {SIV, 1073.00, 0.60, 0},
    {PV, 1117.98, 0.60, 0},           {PV, 1128.01, 0.40, 0},
    {CIII_1176, 1175.70, 1.00, 0},
    {LYA, 1215.67, 1.00, 0},
    {NV, 1238.82, 0.55, 0},           {NV, 1242.80, 0.45, 0},
    {SIII_1262, 1260.42, 0.45, 0},    {SIII_1262, 1264.74, 0.55, 0},
    {OI, 1302.17, 0.40, 0},           {OI, 1304.86, 0.35, 0},           {OI, 1306.03, 0.25, 0},
    {SIII_1307, 1304.37, 0.40, 0},    {SIII_1307, 1309.28, 0.60, 0},
    {CII, 1334.53, 0.40, 0},          {CII, 1335.70, 0.60, 0},
    {SIIV, 1393.76, 0.55, 0},         {SIIV, 1402.77, 0.45, 0},
    {OIV, 1399.77, 0.30, 0},          {OIV, 1401.16, 0.45, 0},          {OIV, 1405.50, 0.25, 300},
    {NIV, 1486.50, 1.00, 0},
    {SIII_1531, 1526.71, 0.45, 0},    {SIII_1531, 1533.43, 0.55, 0},
    {CIV, 1548.20, 0.55, 0},          {CIV, 1550.77, 0.45, 0},
    {SHELF, 1576.00, 0.50, 2200},      {SHELF, 1610.00, 0.50, 2200},
    {HEII, 1640.42, 1.00, 0},
    {OIII, 1660.81, 0.30, 0},         {OIII, 1666.15, 0.70, 0},
    {ALII, 1670.79, 1.00, 0},
    {NIII, 1748.65, 0.25, 0},         {NIII, 1750.26, 0.75, 250},
    {SIII_1814, 1808.01, 0.35, 0},    {SIII_1814, 1817.20, 0.65, 0},
    {ALIII, 1854.72, 0.55, 0},        {ALIII, 1862.79, 0.45, 0},
    {SIIII, 1892.03, 1.00, 0},
    {CIII, 1908.73, 1.00, 0},
    {CII_2326, 2326.44, 1.00, 300},
    {NEIV, 2423.83, 1.00, 300},
    {OIII_3133, 3133.70, 1.00, 0},
    {MGII, 2796.35, 0.55, 0},         {MGII, 2803.53, 0.45, 0},
    {NEV, 3426.84, 1.00, 0},
    {OII, 3728.48, 1.00, 100},
    {NEIII, 3869.85, 1.00, 0},
    /* iron: centres and extents of groups of multiplets */
    {FEII_1300, 1276.0, 0.30, 1500},  {FEII_1300, 1295.0, 0.25, 1300},  {FEII_1300, 1365.0, 0.45, 2500},
    {FEII_1450, 1430.0, 0.15, 2000},  {FEII_1450, 1468.0, 0.15, 2000},  {FEII_1450, 1508.0, 0.70, 2000},
    {FEII_1620, 1585.0, 0.35, 1800},  {FEII_1620, 1632.0, 0.45, 1800},  {FEII_1620, 1672.0, 0.20, 1500},
    {FEII_1720, 1704.0, 0.25, 1600},  {FEII_1720, 1729.0, 0.50, 1600},  {FEII_1720, 1758.0, 0.25, 1600},
    {FEII_1786, 1786.7, 1.00, 500},
    {FEII_1850, 1828.0, 0.30, 1500},  {FEII_1850, 1848.0, 0.35, 1500},  {FEII_1850, 1876.0, 0.35, 1500},
    {FEII_1970, 1955.0, 0.30, 1500},  {FEII_1970, 1978.0, 0.30, 1500},  {FEII_1970, 2018.0, 0.40, 2000},
    {FEII_2080, 2062.0, 0.30, 2000},  {FEII_2080, 2100.0, 0.35, 2000},  {FEII_2080, 2135.0, 0.35, 2000},
    {FEII_2200, 2175.0, 0.35, 2000},  {FEII_2200, 2215.0, 0.35, 2000},  {FEII_2200, 2252.0, 0.30, 1500},
    {FEII_2350, 2282.0, 0.20, 1500},  {FEII_2350, 2310.0, 0.18, 1500},  {FEII_2350, 2338.0, 0.20, 1500},
    {FEII_2350, 2365.0, 0.17, 1500},  {FEII_2350, 2392.0, 0.25, 1500},
    {FEII_2500, 2430.0, 0.20, 1800},  {FEII_2500, 2470.0, 0.25, 1800},  {FEII_2500, 2510.0, 0.30, 1800},
    {FEII_2500, 2550.0, 0.25, 1800},
    {FEII_2600, 2587.0, 0.45, 1400},  {FEII_2600, 2613.0, 0.55, 1300},
    {FEII_2740, 2718.0, 0.35, 1600},  {FEII_2740, 2748.0, 0.65, 1400},
    {FEII_2960, 2868.0, 0.30, 1800},  {FEII_2960, 2930.0, 0.35, 2000},  {FEII_2960, 2970.0, 0.35, 2000},
    {FEII_3200, 3130.0, 0.30, 3000},  {FEII_3200, 3200.0, 0.40, 2500},  {FEII_3200, 3290.0, 0.30, 3000},
    {FEII_3500, 3420.0, 0.30, 4000},  {FEII_3500, 3500.0, 0.35, 4000},  {FEII_3500, 3590.0, 0.35, 4000},
    {FEIII_UV34, 1895.46, 0.42, 0},   {FEIII_UV34, 1914.06, 0.33, 0},   {FEIII_UV34, 1926.30, 0.25, 0},
    {FEIII_UV48, 2062.21, 0.42, 400}, {FEIII_UV48, 2068.90, 0.33, 400}, {FEIII_UV48, 2079.65, 0.25, 400},
    {FEIII_1990, 1953.0, 0.40, 800},  {FEIII_1990, 1990.0, 0.60, 800},
    {FEIII_2420, 2418.6, 1.00, 700},
};
/* clang-format on */
const int fb_transition_count = (int)(sizeof fb_transition_table / sizeof fb_transition_table[0]);

_Static_assert(sizeof fb_transition_table / sizeof fb_transition_table[0] <= FB_MAX_TRANSITIONS,
               "FB_MAX_TRANSITIONS");
