"""What the Chinese dialogues of doctors and patients share."""

SPEAKERS = {"医生": "D", "患者": "P"}  # the letters of the sample corpus: doctor, patient
