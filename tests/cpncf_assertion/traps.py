"""Clinical sentences in which the status of a finding is easily got wrong, by rules and by models.

All of them were written for this list: no real person, no text taken from anywhere, none of it in ``assets/sample``.
Lines of a text are parted by line breaks: headings, and turns of a dialogue. Labels follow sections 4 and 5 of
``assets/sample/GUIDE.md`` and are written as there (``+h``, ``?u``). Each phenomenon has controls: findings that a rule
would get wrong which only knows the trigger words.
"""

from dataclasses import dataclass

STATUSES = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"u": "uncertain", "y": "hypothetical", "h": "historical", "f": "family"}


@dataclass(frozen=True)
class Trap:
    """``finding`` occurs once in ``text``. That it is negated is said by its status, not among the modifiers."""

    phenomenon: str
    text: str
    finding: str
    status: str
    modifiers: tuple[str, ...]


# phenomenon -> (text, finding -> mark)
MARKED: dict[str, list[tuple[str, dict[str, str]]]] = {
    "pseudo-negation": [
        ("There has been no increase in the ascites since the last tap.", {"ascites": "+"}),
        ("Comparison: March.\nNo interval change in the right apical scarring.", {"right apical scarring": "+"}),
        (
            "Not only the vertigo but also the ringing in both ears came back on Tuesday.",
            {"vertigo": "+", "ringing in both ears": "+"},
        ),
        ("No decrease in her stridor after two nebulisers.", {"stridor": "+"}),
        ("The cramps were not relieved by antacids.", {"cramps": "+"}),
        ("The hyponatraemia is not due to the thiazide.", {"hyponatraemia": "+"}),
        ("He swallows water without difficulty, and the sore throat is worse.", {"sore throat": "+"}),
        ("No further haematemesis overnight, Hb stable.", {"haematemesis": "-"}),
        ("MRI brain: no new infarct.", {"infarct": "-"}),
    ],
    "scope": [
        (
            "No haemoptysis or pleurisy, but there is a rattly cough at night.",
            {"haemoptysis": "-", "pleurisy": "-", "rattly cough": "+"},
        ),
        (
            "She denies chest tightness; however, she gets breathless on one flight of stairs.",
            {"chest tightness": "-", "breathless": "+"},
        ),
        ("Chest: no added sounds except for fine crackles at the left base.", {"fine crackles": "+"}),
        (
            "No focal lesion in the liver apart from a simple cyst in segment 4.",
            {"focal lesion": "-", "simple cyst": "+"},
        ),
        (
            "There is no evidence of cord compression, yet a large disc protrusion at C5/6 is present.",
            {"cord compression": "-", "large disc protrusion": "+"},
        ),
        ("He has not vomited since noon although the queasiness persists.", {"vomited": "-", "queasiness": "+"}),
        ("There's no nappy rash, he just has a sticky eye.", {"nappy rash": "-", "sticky eye": "+"}),
        (
            "Abdomen: no guarding.\nBilateral pitting edema to the knees.",
            {"guarding": "-", "Bilateral pitting edema": "+"},
        ),
    ],
    "list": [
        (
            "Without drenching sweats, myalgia, joint swelling or mouth ulcers.",
            {"drenching sweats": "-", "myalgia": "-", "joint swelling": "-", "mouth ulcers": "-"},
        ),
        (
            "On examination no jaundice, clubbing, lymphadenopathy or peripheral oedema.",
            {"jaundice": "-", "clubbing": "-", "lymphadenopathy": "-", "peripheral oedema": "-"},
        ),
        (
            "There is no consolidation, pneumothorax or hilar enlargement; the aorta is tortuous.",
            {"consolidation": "-", "hilar enlargement": "-", "tortuous": "+"},
        ),
        (
            "She reports headaches, blurred vision and neck stiffness, no photophobia.",
            {"headaches": "+", "neck stiffness": "+", "photophobia": "-"},
        ),
        (
            "No hives; itching, sneezing and watery eyes all spring.",
            {"hives": "-", "sneezing": "+", "watery eyes": "+"},
        ),
        (
            "Neither diarrhoea nor constipation, neither bloating nor belching.",
            {"diarrhoea": "-", "constipation": "-", "belching": "-"},
        ),
    ],
    "denies": [
        (
            "Patient denies dysuria, hesitancy or incontinence.",
            {"dysuria": "-", "hesitancy": "-", "incontinence": "-"},
        ),
        (
            "Denies orthopnea, PND or ankle swelling, admits to palpitations after coffee.",
            {"orthopnea": "-", "PND": "-", "palpitations": "+"},
        ),
        (
            "Mother denies seizures, cyanosis or apnoea in the baby, who has a hoarse cry.",
            {"seizures": "-", "apnoea": "-", "hoarse cry": "+"},
        ),
        ("Wife denies snoring or choking at night.", {"snoring": "-", "choking": "-"}),
        ("He denies taking anything for the migraine.", {"migraine": "+"}),
        ("She denies that the back pain keeps her from working.", {"back pain": "+"}),
        (
            "The patient, who denies alcohol, presents with ascites and spider naevi.",
            {"ascites": "+", "spider naevi": "+"},
        ),
        (
            "Endorses polyuria, denies blurry vision or foot ulcers.",
            {"polyuria": "+", "blurry vision": "-", "foot ulcers": "-"},
        ),
    ],
    "post-negation": [
        ("Pedal edema: none.", {"Pedal edema": "-"}),
        ("Pheochromocytoma was ruled out by urine metanephrines.", {"Pheochromocytoma": "-"}),
        ("Intracranial haemorrhage not seen.", {"Intracranial haemorrhage": "-"}),
        ("Goitre: absent; exophthalmos: mild.", {"Goitre": "-", "exophthalmos": "+"}),
        (
            "Testicular torsion was excluded at surgery; an inflamed appendage was found instead.",
            {"Testicular torsion": "-", "inflamed appendage": "+"},
        ),
        ("Thyroid nodules were searched for and not found.", {"Thyroid nodules": "-"}),
        ("Hydronephrosis is noted, a stone is not.", {"Hydronephrosis": "+", "stone": "-"}),
        ("The radial fracture was not displaced.", {"radial fracture": "+"}),
        ("The purple rash does not blanch.", {"purple rash": "+"}),
        ("Her asthma was not well controlled in the winter.", {"asthma": "+"}),
    ],
    "inside": [
        ("Since the fall he has been unable to walk.", {"unable to walk": "+"}),
        ("A non-productive cough has kept her up for a week.", {"non-productive cough": "+"}),
        ("I can't feel my toes since the operation.", {"can't feel my toes": "+"}),
        ("Non-healing ulcer over the left heel.", {"Non-healing ulcer": "+"}),
        ("He is not sleeping and has no energy at all.", {"not sleeping": "+", "no energy": "+"}),
        ("Biopsy: non-small cell lung cancer, stage IIIA.", {"non-small cell lung cancer": "+"}),
        ("Afebrile on arrival, with a cold left foot.", {"cold left foot": "+"}),
        ("No inability to swallow, no drooling.", {"inability to swallow": "-", "drooling": "-"}),
        ("She denies being unable to bend the knee.", {"unable to bend the knee": "-"}),
    ],
    "family": [
        ("Her mother has epilepsy, she herself has never had a fit.", {"epilepsy": "?f", "fit": "-"}),
        ("Two brothers with haemophilia.", {"haemophilia": "?f"}),
        ("No family history of sudden cardiac death.", {"sudden cardiac death": "?f"}),
        ("His twin was treated for leukaemia at six.", {"leukaemia": "?f"}),
        (
            "My husband had the flu last week.\nNow I ache all over and I'm shivering.",
            {"flu": "?f", "shivering": "+"},
        ),
        ("Her father rang to say that she has been wheezing since breakfast.", {"wheezing": "+"}),
        ("Like his father he suffers from gout.", {"gout": "+"}),
        (
            "The patient's sister, who has lupus, drove him in; he has a swollen knee.",
            {"lupus": "?f", "swollen knee": "+"},
        ),
        (
            "Another child at the nursery has measles, our boy only has a blocked nose.",
            {"measles": "?f", "blocked nose": "+"},
        ),
    ],
    "hypothetical": [
        (
            "See a doctor the same day if you develop calf pain or sudden breathlessness.",
            {"calf pain": "?y", "sudden breathlessness": "?y"},
        ),
        ("Return for increasing redness, pus or a temperature.", {"increasing redness": "?y", "pus": "?y"}),
        ("Ondansetron 4 mg prn for nausea.", {"nausea": "?y"}),
        ("Rectal diazepam in case of a further seizure.", {"seizure": "?y"}),
        ("Should he become confused, stop the tramadol.", {"confused": "?y"}),
        ("Heparin was started to prevent deep vein thrombosis.", {"deep vein thrombosis": "?y"}),
        ("These drops can cause stinging.", {"stinging": "?y"}),
        ("If the hoarseness lasts beyond three weeks, see your doctor.", {"hoarseness": "+"}),
        ("Take ibuprofen for the knee pain until Friday.", {"knee pain": "+"}),
        ("Keep the leg up until the swelling has gone.", {"swelling": "+"}),
    ],
    "history": [
        (
            "History of stroke in 2014 without residual weakness.",
            {"stroke": "+h", "residual weakness": "-"},
        ),
        ("Previous myocardial infarction, stented.", {"myocardial infarction": "+h"}),
        ("She had shingles two winters ago.", {"shingles": "+h"}),
        ("The jaundice present on admission has resolved.", {"jaundice": "+h"}),
        ("He was treated for tuberculosis as a student.", {"tuberculosis": "+h"}),
        ("Longstanding history of hypertension, on amlodipine.", {"hypertension": "+"}),
        ("Presents with a three-day history of watery diarrhoea.", {"watery diarrhoea": "+"}),
        ("Has had type 2 diabetes since 1998, diet only.", {"type 2 diabetes": "+"}),
        ("No history of seizures or head trauma.", {"seizures": "-", "head trauma": "-"}),
    ],
    "no longer": [
        ("She is no longer breathless at rest.", {"breathless": "+h"}),
        ("The pericardial effusion is no longer visible.", {"pericardial effusion": "+h"}),
        ("He no longer has heartburn since stopping naproxen.", {"heartburn": "+h"}),
        ("Nausea is no longer a problem, the fatigue remains.", {"Nausea": "+h", "fatigue": "+"}),
        ("The murmur heard at birth can no longer be detected.", {"murmur": "+h"}),
        ("She no longer takes metformin for her diabetes.", {"diabetes": "+"}),
        ("The cluster headaches no longer respond to oxygen.", {"cluster headaches": "+"}),
        ("He can no longer raise the right arm.", {"can no longer raise the right arm": "+"}),
    ],
    "double negation": [
        ("Walking is not without pain.", {"pain": "+"}),
        ("He does not deny low mood.", {"low mood": "+"}),
        ("We cannot exclude a small fracture of the scaphoid.", {"small fracture of the scaphoid": "?u"}),
        ("Malignancy has not been ruled out.", {"Malignancy": "?u"}),
        ("There is never a day without dizziness.", {"dizziness": "+"}),
        ("It is not that she has no stiffness, it comes and goes.", {"stiffness": "+"}),
        ("An abscess can't be excluded on this scan; free air can.", {"abscess": "?u", "free air": "-"}),
        ("He denies itching and is without scaling.", {"itching": "-", "scaling": "-"}),
    ],
    "uncertainty": [
        ("Possible early cellulitis around the cannula site.", {"early cellulitis": "?u"}),
        (
            "Gout versus septic arthritis of the ankle.",
            {"Gout": "?u", "septic arthritis of the ankle": "?u"},
        ),
        ("Suspected carpal tunnel syndrome, splint applied.", {"carpal tunnel syndrome": "?u"}),
        ("Findings could represent atypical pneumonia.", {"atypical pneumonia": "?u"}),
        ("Temporal arteritis is unlikely.", {"Temporal arteritis": "?u"}),
        ("I'm worried it might be a miscarriage.", {"miscarriage": "?u"}),
        ("Confirmed influenza A, no longer just suspected.", {"influenza A": "+"}),
        ("There is no doubt that this is scabies.", {"scabies": "+"}),
        ("This is chickenpox rather than impetigo.", {"chickenpox": "+", "impetigo": "-"}),
    ],
    "question and answer": [
        ("Any palpitations?\nNo, nothing like that.", {"palpitations": "-"}),
        ("Have you had any dizzy spells?\nYes, every time I stand up.", {"dizzy spells": "+"}),
        ("Do you have numbness anywhere?\nHard to say.", {"numbness": "?"}),
        ("Has the itching stopped?\nNo, it keeps me awake.", {"itching": "+"}),
        ("No fever?\nIt was 39.2 this morning, actually.", {"fever": "+"}),
        ("You're not short of breath, are you?\nA bit, on the stairs.", {"short of breath": "+"}),
        (
            "Any chest pain or collapse?\nI never passed out, but yes, it hurts behind the breastbone.",
            {"chest pain": "+", "collapse": "-"},
        ),
        ("Did the vomiting start before the rash?\nNo, after it.", {"vomiting": "+", "rash": "+"}),
        ("Does anyone at home have a cough?\nYes, my daughter.", {"cough": "?f"}),
        ("Could it be gallstones?\nThe scan last night showed none.", {"gallstones": "-"}),
        ("Are you still getting the cramps?\nNot for a week now.", {"cramps": "+h"}),
    ],
    "heading": [
        ("Family history:\nBowel cancer, glaucoma.", {"Bowel cancer": "?f", "glaucoma": "?f"}),
        ("Allergies:\nPenicillin (rash), latex (wheeze).", {"rash": "+h", "wheeze": "+h"}),
        ("Allergies: none recorded.", {"Allergies": "-"}),
        (
            "PMH:\nAsthma, hypothyroidism, appendicitis in 2009.",
            {"Asthma": "+", "hypothyroidism": "+", "appendicitis": "+h"},
        ),
        (
            "Family history:\nMother with migraine.\nExamination:\nTender sinuses and a red throat.",
            {"migraine": "?f", "Tender sinuses": "+", "red throat": "+"},
        ),
        (
            "Pertinent negatives:\nHaematuria, flank pain, rigors.",
            {"Haematuria": "-", "flank pain": "-", "rigors": "-"},
        ),
        (
            "Differential diagnosis:\nViral myocarditis, pericarditis.",
            {"Viral myocarditis": "?u", "pericarditis": "?u"},
        ),
        ("Return precautions:\nWorsening headache, repeated vomiting.", {"Worsening headache": "?y"}),
        ("Reason for exam:\nRule out pneumothorax.", {"pneumothorax": "?u"}),
        ("Drug history:\nNil regular.\nPresenting complaint:\nLoin pain.", {"Loin pain": "+"}),
    ],
    "abbreviation": [
        ("ROS: - SOB, - CP, + nausea.", {"SOB": "-", "CP": "-", "nausea": "+"}),
        ("Neg for LOC, pos for HA.", {"LOC": "-", "HA": "+"}),
        ("Abd CT w/o SBO, w/ diverticulosis.", {"SBO": "-", "diverticulosis": "+"}),
        ("Pt c/o abd pain x3d, no N/V/D since.", {"abd pain": "+", "N/V/D": "-"}),
        ("h/o DVT 2016, HTN on losartan.", {"DVT": "+h", "HTN": "+"}),
        ("Admitted to r/o MI.", {"MI": "?u"}),
        ("FHx: CAD (father), DM2 (mother).", {"CAD": "?f", "DM2": "?f"}),
        ("(-) Murphy sign, (+) rebound.", {"Murphy sign": "-", "rebound": "+"}),
        ("PERRL, no JVD, 2+ LE edema b/l.", {"JVD": "-", "LE edema": "+"}),
        ("Albuterol 2 puffs q4h prn wheeze.", {"wheeze": "?y"}),
    ],
}

TRAPS: list[Trap] = [
    Trap(phenomenon, text, finding, STATUSES[mark[0]], tuple(MODIFIERS[letter] for letter in mark[1:]))
    for phenomenon, texts in MARKED.items()
    for text, findings in texts
    for finding, mark in findings.items()
]
