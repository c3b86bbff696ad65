"""What the words of an OpenDSS script do, and which of them an importer lets through.

What only reports, writes or draws changes nothing of the circuit and is left out. What would read or run
something of the machine's, or changes the circuit in a way that is not followed here, is refused, as is a
word that OpenDSS does not know."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# The engine's own order decides what an abbreviation means.
VERBS: Final = _words(
    """
    New Edit More M ~ Select Save Show Solve Enable Disable Plot Reset Compile Set Dump Open Close //
    Redirect Help Quit ? Next Panel Sample Clear About Calcvoltagebases SetkVBase BuildY Get Init Export
    Fileedit Voltages Currents Powers Seqvoltages Seqcurrents Seqpowers Losses Phaselosses Cktlosses
    Allocateloads Formedit Totals Capacity Classes Userclasses Zsc Zsc10 ZscRefresh Ysc puvoltages
    VarValues Varnames Buscoords MakeBusList MakePosSeq Reduce Interpolate AlignFile TOP Rotate Vdiff
    Summary Distribute DI_plot Comparecases YearlyCurves CD Visualize CloseDI DOScmd Estimate
    Reconductor _InitSnap _SolveNoControl _SampleControls _DoControlActions _ShowControlQueue
    _SolveDirect _SolvePFlow AddBusMarker Uuids SetLoadAndGenKV CvrtLoadshapes NodeDiff Rephase SetBusXY
    UpdateStorage Obfuscate LatLongCoords BatchEdit Pstcalc Variable ReprocessBuses ClearBusMarkers
    RelCalc var Cleanup FinishTimeStep NodeList Connect Disconnect Remove CalcIncMatrix CalcIncMatrix_O
    Refine_BusLevels CalcLaplacian ExportOverloads ExportVViolations Zsc012 AllPCEatBus AllPDEatBus
    TotalPowers GISCoords ClearAll COMHelp NewActor Wait SolveAll Abort Clone
    """
)

PASSED_VERBS: Final = frozenset(
    _words(
        """
        Clear ClearAll Calcvoltagebases SetkVBase MakeBusList ReprocessBuses SetLoadAndGenKV
        Allocateloads Enable Disable Open Close
        """
    )
)
REFUSED_VERBS: Final = {
    "CD": "moves to another folder",
    "DOScmd": "runs a program",
    "MakePosSeq": "replaces the circuit by its positive sequence",
    "Reduce": "replaces the circuit by a smaller one",
    "Rephase": "moves elements to other phases",
    "Reconductor": "replaces lines",
    "Remove": "takes elements out of the circuit",
    "Distribute": "makes generators of its own",
    "Estimate": "changes loads to fit measurements",
    "Capacity": "raises loads until a limit is met",
    "Connect": "couples circuits",
    "Disconnect": "couples circuits",
    "NewActor": "starts a circuit beside this one",
    "SolveAll": "starts a circuit beside this one",
    "Clone": "starts a circuit beside this one",
    "Obfuscate": "renames everything",
    "UpdateStorage": "moves the state of storage on",
    "Variable": "sets an inner variable of an element",
}

OPTIONS: Final = _words(
    """
    type element hour sec year frequency stepsize mode random number time class object circuit editor
    tolerance maxiterations h Loadmodel Loadmult normvminpu normvmaxpu emergvminpu emergvmaxpu %mean
    %stddev LDCurve %growth Genkw Genpf CapkVAR Addtype Allowduplicates Zonelock UEweight Lossweight
    UEregs Lossregs Voltagebases Algorithm Trapezoidal Autobuslist Controlmode Tracecontrol Genmult
    Defaultdaily Defaultyearly Allocationfactors Cktmodel Pricesignal Pricecurve Terminal Basefrequency
    Harmonics Maxcontroliter Bus Datapath KeepList ReduceOption DemandInterval %Normal DIVerbose
    Casename Markercode Nodewidth Log Recorder Overloadreport Voltexceptionreport Cfactors ShowExport
    Numallociterations DefaultBaseFrequency Markswitches Switchmarkercode Daisysize Marktransformers
    TransMarkerCode TransMarkerSize LoadShapeClass EarthModel QueryLog MarkCapacitors MarkRegulators
    MarkPVSystems MarkStorage CapMarkerCode RegMarkerCode PVMarkerCode StoreMarkerCode CapMarkerSize
    RegMarkerSize PVMarkerSize StoreMarkerSize NeglectLoadY MarkFuses FuseMarkerCode FuseMarkerSize
    MarkReclosers RecloserMarkerCode RecloserMarkerSize RegistryUpdate MarkRelays RelayMarkerCode
    RelayMarkerSize ProcessTime TotalTime StepTime SampleEnergyMeters MinIterations DSSVisualizationTool
    KeepLoad Zmag SeasonRating SeasonSignal LineTypes EventLogDefault LongLineCorrection ShowReports
    NumCPUs NumCores NumActors ActiveActor CPU ActorProgress Parallel ConcatenateReports NUMANodes
    """
)

PASSED_OPTIONS: Final = frozenset(
    _words(
        """
        frequency Loadmult Genmult Allowduplicates Voltagebases Algorithm Controlmode Allocationfactors
        Cfactors Numallociterations Maxcontroliter maxiterations tolerance DefaultBaseFrequency
        Basefrequency EarthModel LongLineCorrection MinIterations Pricesignal Zonelock
        """
    )
)
REFUSED_OPTIONS: Final = {"Datapath": "moves to another folder", "circuit": "couples circuits"}
NEWER_OPTIONS: Final = frozenset(
    _words("linkbranches usemylinkbranches adiakoptics num_subcircuits giscolor gisthickness giscoords")
)
"""Of OpenDSS's other edition; they say how to compute or draw, not what."""
SELECTING_OPTIONS: Final = frozenset(_words("type element class object Bus Terminal"))

SHAPES: Final = {
    "loadshape": "npts=1 interval=1 mult=(1)",
    "tshape": "npts=1 interval=1 temp=(25)",
    "priceshape": "npts=1 interval=1 price=(0)",
    "growthshape": "npts=1 year=(1) mult=(1)",
    "spectrum": "numharm=1 harmonic=(1) %mag=(100) angle=(0)",
    "tcc_curve": "npts=1 c_array=(1) t_array=(1)",
}
"""Courses in time, harmonics, trip curves: a snapshot needs their names alone, so each is kept as a stub."""

CODES: Final = frozenset(
    _words(
        """
        linecode xycurve wiredata cndata tsdata linespacing linegeometry xfmrcode
        """
    )
) | frozenset(SHAPES)
"""What a library shared by circuits may hold."""

MEASURING: Final = frozenset(("monitor", "dynamicexp"))
PROTECTION: Final = {"fuse", "relay", "recloser", "swtcontrol"}
PROTECTION_STATE: Final = frozenset(
    _words(
        """
        MonitoredObj MonitoredTerm SwitchedObj SwitchedTerm Normal State Action Lock Enabled Like
        """
    )
)
METERED: Final = frozenset(
    _words(
        """
        Element Terminal PeakCurrent LocalOnly ZoneList Enabled Like
        """
    )
)

REFUSED_PROPERTIES: Final = frozenset(_words("UserModel UserData ShaftModel ShaftData DynaDLL DynaData"))
"""They load a library of machine code."""
DROPPED_PROPERTIES: Final = frozenset(_words("DebugTrace EventLog DynamicEq DynOut"))
"""They write files, or describe dynamics alone."""
