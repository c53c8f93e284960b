"""Normalised names of sections, with the headings that they are known by (lower case, without punctuation)."""

_HEADINGS = {
    "chief_complaint": (
        "chief complaint|cc|presenting complaint|reason for visit|reason for consultation|reason for consult"
        "|reason for admission|reason for referral|presenting problem|c/c"
    ),
    "history_of_present_illness": (
        "history of present illness|history of presenting complaint|hpi|hopi|present illness"
        "|history of the present illness|interval history|subjective|history|clinical history|interim history"
    ),
    "past_medical_history": (
        "past medical history|pmh|pmhx|past history|medical history|past medical and surgical history"
        "|past medical history past surgical history|significant past medical history|background|comorbidities"
    ),
    "past_surgical_history": "past surgical history|psh|pshx|surgical history|operations|previous surgery",
    "family_history": "family history|fh|fhx|family medical history|famhx",
    "social_history": (
        "social history|sh|shx|personal and social history|habits|social|psychosocial history|occupation"
    ),
    "medications": (
        "medications|meds|current medications|home medications|medications on admission|admission medications"
        "|medication|drug history|dh|outpatient medications|medication list|medications at home"
        "|prior to admission medications"
    ),
    "discharge_medications": "discharge medications|medications on discharge|medications at discharge|discharge meds",
    "allergies": (
        "allergies|allergy|drug allergies|allergies and intolerances|adverse reactions|drug intolerances|nkda"
    ),
    "immunizations": "immunizations|immunisations|vaccinations",
    "review_of_systems": "review of systems|ros|systems review|systematic enquiry",
    "vital_signs": "vital signs|vitals|vs|observations|obs",
    "physical_exam": (
        "physical examination|physical exam|pe|exam|examination|on examination|o/e|objective|clinical examination"
        "|examination on admission|discharge exam|mental status examination|mental status exam"
        "|neurological examination|admission exam|exam on admission"
    ),
    "laboratory": (
        "laboratory|labs|laboratory data|laboratory results|lab results|laboratory studies|blood results|bloods"
        "|pertinent results|results|microbiology|investigations|data|diagnostic data|laboratory findings|studies"
    ),
    "imaging": "imaging|radiology|imaging studies|radiographic studies|x-ray|imaging results",
    "technique": "technique|procedure and technique",
    "comparison": "comparison|comparisons|prior studies",
    "indication": "indication|indications|clinical indication|clinical information|indications for procedure",
    "findings": "findings|report|interpretation|gross description|microscopic description|operative findings",
    "impression": (
        "impression|impressions|conclusion|conclusions|opinion|summary|clinical impression|radiological diagnosis"
    ),
    "assessment": (
        "assessment|diagnosis|diagnoses|final diagnosis|assessment and diagnosis|working diagnosis|problem list"
        "|problems|active problems|active issues|differential diagnosis|admission diagnosis|admitting diagnosis"
        "|admission diagnoses|principal diagnosis|secondary diagnoses|primary diagnosis|active problem list"
    ),
    "assessment_and_plan": (
        "assessment and plan|a/p|a&p|a p|impression and plan|assessment plan|assessment/plan|imp/plan"
        "|impression/plan|assessment & plan|plan and assessment"
    ),
    "discharge_diagnosis": "discharge diagnosis|discharge diagnoses|final diagnoses",
    "plan": (
        "plan|recommendations|recommendation|plan of care|treatment plan|treatment|management|management plan"
        "|advice|disposition|disposition and plan"
    ),
    "hospital_course": (
        "hospital course|brief hospital course|course in hospital|clinical course|ed course"
        "|emergency department course|treatment and progress|progress|course|emergency room course"
        "|hospital course by problem"
    ),
    "procedures": (
        "procedures|procedure|operative procedure|procedures performed|operation"
        "|major surgical or invasive procedure|title of operation|operation performed|description of procedure"
        "|procedure in detail|details of procedure"
    ),
    "preoperative_diagnosis": "preoperative diagnosis|pre-operative diagnosis|preop diagnosis",
    "postoperative_diagnosis": "postoperative diagnosis|post-operative diagnosis|postop diagnosis",
    "discharge_instructions": (
        "discharge instructions|instructions|patient instructions|discharge plan|discharge condition"
        "|condition on discharge|condition at discharge|discharge disposition"
    ),
    "follow_up": "follow up|follow-up|followup|followup instructions|follow up plans|follow-up instructions",
    "obstetric_history": (
        "obstetric history|obstetrical history|gynecologic history|gynaecological history|ob/gyn history"
        "|gyn history|menstrual history|ob history"
    ),
    "developmental_history": "developmental history|birth history",
    "psychiatric_history": (
        "past psychiatric history|psychiatric history|substance abuse history|substance use history"
    ),
    "code_status": "code status|resuscitation status",
}
NAMES = {heading: name for name, headings in _HEADINGS.items() for heading in headings.split("|")}
OTHER = "other"  # a heading that is none of these

# headings inside a section, which is not left
PARTS = frozenset(
    (
        "abd|abdomen|abdominal|access|admission|affect|aorta|back|bladder|bones|bowel|brain|breast|breasts"
        "|cardiac|cardiovascular|chest|cns|constitutional|cor|cv|cvs|date|ears|endocrine|ent|ext|extr"
        "|extremities|eyes|fen|gallbladder|gastrointestinal|general|genitourinary|gi|gu|head|heart|heent"
        "|hematologic|hematology|heme|id|infectious disease|joints|kidneys|lines|liver|lung|lungs|lymph"
        "|lymph nodes|mediastinum|mood|mouth|msk|musculoskeletal|name|neck|neuro|neurologic|neurological"
        "|nodes|nose|note|notes|on admission|on discharge|other|pancreas|pelvic|pelvis|pleura|prophylaxis"
        "|psych|psychiatric|pulm|pulmonary|rectal|renal|resp|respiratory|skin|soft tissues|spine|spleen"
        "|throat|tubes|vascular|ventricles"
    ).split("|")
)
